"""Actions, up to a thousand in one call."""

import hashlib
import hmac
import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from flask import Response
from sqlalchemy import Connection

from services.intake.accept import FAULT_CODES
from services.intake.batch import MOST_ACTIONS, Line, judge, store
from services.intake.idempotency import KINDS, Once, Result, read_key
from services.intake.models import BatchAnswer, PostHeaders, Status
from services.intake.storing import Storing
from services.intake.take import Taker
from shared.api_keys import Client, Scope
from shared.http.bodies import Upload, check_json
from shared.http.limits import DAILY_CAP
from shared.http.operations import Answer, Media, op
from shared.http.problems import INVALID, MALFORMED, Problem, ProblemKind

MOST_BYTES = 10_000_000
NDJSON = "application/x-ndjson"
_LINES = {"type": "string", "description": "One JSON object a line"}
_ARRAY = {
    "type": "array",
    "items": {"$ref": "#/components/schemas/NewAction"},
    "maxItems": MOST_ACTIONS,
}

_SPACE = re.compile(r"[ \t\n\r]*")
# Only to find where an element ends, so it lets pass what check_json refuses of that element alone.
_DECODER = json.JSONDecoder(strict=False, parse_int=str, parse_float=str)

TOO_MANY_ACTIONS = ProblemKind(413, "too_many_actions", "The batch holds too many actions")


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchEdge:
    storing: Storing
    taker: Taker

    @op(
        "POST",
        "/v1/actions/batch",
        scope=Scope.SUBMIT,
        problems=(*KINDS, MALFORMED, INVALID, TOO_MANY_ACTIONS, DAILY_CAP),
        faults=FAULT_CODES,
        media=Media({"application/json": _ARRAY, NDJSON: _LINES}, MOST_BYTES),
        gives={NDJSON: _LINES},
    )
    def post_batch(
        self, body: Upload, headers: PostHeaders, client: Client
    ) -> Answer[BatchAnswer] | Response:
        """Hand in many actions.

        Up to 1,000 actions or 10 MB: a JSON array, or one object a line (NDJSON), which is faster.
        Each line has a result of its own, in order (a blank one is counted, and has none); a bad
        line, or element, never rejects the others. What is
        right is stored together: after a 200 every line that is not `invalid` is stored for good,
        after any error none is. NDJSON is answered in NDJSON, one result a line.

        Send an `Idempotency-Key`: the whole call may then be repeated, and gets the first answer.
        """
        key = read_key(headers.idempotency_key)
        digest = hashlib.sha256()
        lines = list(_lines(body, digest))
        judged = judge(lines, client, self.taker)

        def work(connection: Connection) -> Result:
            results = store(connection, judged, client, self.taker)
            told = [one.model_dump(mode="json", exclude_defaults=True) for one in results]
            return Result(status=200, answer={"results": told})

        once = None
        if key is not None:
            seal = hmac.digest(self.taker.identity_key, digest.digest(), "sha256")
            once = Once(client_id=client.id, key=key, body_hash=seal)
        good = sum(one.action is not None for one in judged)
        result = self.storing.run(work, client, once=once, number=good)
        return _answer(result, lines=body.mimetype == NDJSON)


def _lines(body: Upload, digest: Any) -> Iterator[Line]:
    """The actions of a batch, each as JSON, while they come in."""
    read = _from_lines if body.mimetype == NDJSON else _from_array
    for before, line in enumerate(read(body, digest)):
        if before == MOST_ACTIONS:
            raise Problem(TOO_MANY_ACTIONS, f"At most {MOST_ACTIONS:,} actions fit into one call")
        yield line


def _from_lines(body: Upload, digest: Any) -> Iterator[Line]:
    for number, line in enumerate(body.lines(), start=1):
        digest.update(line + b"\n")
        if line.strip():
            yield number, line


def _from_array(body: Upload, digest: Any) -> Iterator[Line]:
    raw = body.whole()
    digest.update(raw)
    # Bytes that are no UTF-8 come back as they were, and reject the element that holds them.
    text = raw.decode(errors="surrogateescape")
    start = _after_space(text, 0)
    if not text.startswith("[", start):
        check_json(raw)
        raise Problem(INVALID, "The body must be a JSON array of actions")
    try:
        for number, element in enumerate(_elements(text, start + 1), start=1):
            yield number, element.encode(errors="surrogateescape")
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise Problem(MALFORMED, f"The body is not JSON: {error.msg}, {where}") from None
    except RecursionError:
        raise Problem(MALFORMED, "The body is nested too deeply") from None


def _elements(text: str, at: int) -> Iterator[str]:
    """What stands between the commas of an array that was opened just before `at`."""
    at = _after_space(text, at)
    ended = text.startswith("]", at)
    while not ended:
        _, end = _DECODER.raw_decode(text, at)
        yield text[at:end]
        at = _after_space(text, end)
        ended = text.startswith("]", at)
        if not ended:
            if not text.startswith(",", at):
                raise json.JSONDecodeError("Expecting ',' delimiter", text, at)
            at = _after_space(text, at + 1)
    if (rest := _after_space(text, at + 1)) < len(text):
        raise json.JSONDecodeError("Extra data", text, rest)


def _after_space(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at


def _answer(result: Result, *, lines: bool) -> Answer[BatchAnswer] | Response:
    told: list[dict[str, Any]] = result.answer["results"]
    headers = {"Idempotent-Replayed": "true"} if result.replayed else {}
    if lines:
        out = (json.dumps(one).encode() + b"\n" for one in told)
        return Response(out, status=result.status, headers=headers, mimetype=NDJSON)
    found = Counter(one["status"] for one in told)
    body = BatchAnswer.model_validate(
        {
            "stored": len(told) - found[Status.INVALID],
            "invalid": found[Status.INVALID],
            "results": told,
        }
    )
    return Answer(body=body, headers=headers)
