"""Reads what a request carries into pydantic models, strictly, and says exactly what is wrong.

JSON is stricter than most parsers: UTF-8 only, no duplicate names, no NaN, no lone surrogates
(RFC 8259 leaves these to the parser, and two parsers that differ are a hole).  Raises Problem.
"""

import json
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import IO, Any, NoReturn, TypeVar

from flask import Request
from pydantic import BaseModel, ValidationError
from werkzeug.exceptions import ClientDisconnected

from shared.http.problems import (
    INVALID,
    MALFORMED,
    NOT_FOUND,
    NOT_JSON,
    TOO_LARGE,
    Fault,
    Problem,
    ProblemKind,
    invalid,
)

M = TypeVar("M", bound=BaseModel)

#: pydantic's words, put into ours.  A type it may add some day is `invalid`.
_CODES = {
    "missing": "missing",
    "extra_forbidden": "unknown_field",
    "enum": "unknown_word",
    "literal_error": "unknown_word",
    "string_too_short": "too_short",
    "too_short": "too_short",
    "string_too_long": "too_long",
    "too_long": "too_long",
    "string_pattern_mismatch": "wrong_form",
    "greater_than": "too_small",
    "greater_than_equal": "too_small",
    "less_than": "too_large",
    "less_than_equal": "too_large",
    "timezone_aware": "no_time_zone",
}
#: Only an escape can bring half of a character: UTF-8 has no bytes for it.
_ESCAPED_HALF = re.compile(rb"\\u[dD][89a-fA-F]")
_HALF = re.compile("[\ud800-\udfff]")
_WRONG_FORM_ENDINGS = ("_parsing", "_from_date_parsing", "_format")

VALIDATION_CODES: Mapping[str, str] = {
    "missing": "A field that must be there is not.",
    "unknown_field": "No field of this name exists.",
    "wrong_type": "A value of another JSON type is expected.",
    "wrong_form": "The value has not the form that is expected.",
    "unknown_word": "The value is none of the words that are possible.",
    "too_short": "The value is too short.",
    "too_long": "The value is too long.",
    "too_small": "The number is too small.",
    "too_large": "The number is too large.",
    "no_time_zone": "The moment lacks its offset from UTC, such as `Z` or `+02:00`.",
    "repeated": "The parameter was given more than once.",
    "invalid": "The value is not valid.",
}


NOT_OF_MEDIA = ProblemKind(415, "unsupported_media_type", "The body is of no type taken here")
_PIECE = 64 * 1024


@dataclass(frozen=True, slots=True)
class Upload:
    """A body that is read as it comes, never more of it at once than asked for."""

    mimetype: str
    stream: IO[bytes] = field(repr=False)
    limit: int  # bytes; reading past them raises Problem 413

    def pieces(self, size: int = _PIECE) -> Iterator[bytes]:
        """The body in pieces of at most `size` bytes.  Problems: 400, 413."""
        seen = 0
        try:
            while piece := self.stream.read(size):
                seen += len(piece)
                if seen > self.limit:
                    raise Problem(TOO_LARGE, f"At most {self.limit:,} bytes are taken here")
                yield piece
        except ClientDisconnected:
            raise Problem(MALFORMED, "The body ended before its time") from None

    def whole(self) -> bytes:
        return b"".join(self.pieces())

    def lines(self) -> Iterator[bytes]:
        """The body's lines without their ends; what is longer than the limit was refused."""
        rest = b""
        for piece in self.pieces():
            *lines, rest = (rest + piece).split(b"\n")
            yield from lines
        if rest:
            yield rest


def upload(request: Request, media: Collection[str]) -> Upload:
    """The body as a stream.  Problems: 413, 415."""
    if request.mimetype not in media:
        raise Problem(NOT_OF_MEDIA, f"Send the body as {' or '.join(sorted(media))}")
    limit = request.max_content_length or 0
    if (request.content_length or 0) > limit:
        raise Problem(TOO_LARGE, f"At most {limit:,} bytes are taken here")
    return Upload(request.mimetype, request.stream, limit)


def json_body(
    request: Request, model: type[M], media: Collection[str] = ("application/json",)
) -> M:
    """The body as `model`.  Problems: 400, 413, 415, 422."""
    if request.mimetype not in media:
        raise Problem(NOT_JSON, f"Send the body as {' or '.join(media)}")
    raw = raw_body(request)
    check_json(raw)
    try:
        return model.model_validate_json(raw, strict=True)
    except ValidationError as error:
        raise _body_problem(error) from None


def raw_body(request: Request) -> bytes:
    """The body as it came.  Problem 413."""
    raw = request.get_data()
    limit = request.max_content_length
    # A body without Content-Length is cut by Werkzeug at the limit, without a word.
    if limit is not None and request.content_length is None and len(raw) >= limit:
        raise Problem(TOO_LARGE)
    return raw


def check_json(raw: bytes) -> None:
    """Raises Problem(MALFORMED) on what pydantic's own parser would let pass, or not place."""
    try:
        tree = json.loads(raw.decode(), object_pairs_hook=_unique, parse_constant=_no_constant)
    except UnicodeDecodeError:
        raise Problem(MALFORMED, "The body is not UTF-8") from None
    except RecursionError:
        raise Problem(MALFORMED, "The body is nested too deeply") from None
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise Problem(MALFORMED, f"The body is not JSON: {error.msg}, {where}") from None
    except ValueError as error:
        raise Problem(MALFORMED, f"The body is not JSON: {error}") from None
    if _ESCAPED_HALF.search(raw) and (halves := _halves(tree)):
        said = "The text holds half of a character"
        faults = [Fault(where, "lone_surrogate", said) for where in sorted(halves)]
        raise Problem(MALFORMED, said, faults=faults)


def query(request: Request, model: type[M]) -> M:
    """The query parameters as `model`, each at most once."""
    repeated = [name for name, values in request.args.lists() if len(values) > 1]
    if repeated:
        said = "The parameter was given more than once"
        raise invalid([Fault(f"?{name}", "repeated", said) for name in repeated])
    return _named(request.args, model)


def headers(request: Request, model: type[M]) -> M:
    """The headers that `model` names by its aliases."""
    names = [field.alias or name for name, field in model.model_fields.items()]
    return _named({name: request.headers[name] for name in names if name in request.headers}, model)


def path(arguments: Mapping[str, Any], model: type[M]) -> M:
    """The variable parts of the path.  One that cannot be is simply not found."""
    try:
        return model.model_validate_strings({name: str(one) for name, one in arguments.items()})
    except ValidationError:
        raise Problem(NOT_FOUND) from None


def pointer(location: tuple[int | str, ...]) -> str:
    """An RFC 6901 pointer."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in location)


def _named(values: Mapping[str, str], model: type[M]) -> M:
    try:
        return model.model_validate_strings(dict(values))
    except ValidationError as error:
        faults = faults_of(error)
        raise invalid([Fault("?" + f.pointer[1:], f.code, f.detail) for f in faults]) from None


def faults_of(error: ValidationError) -> list[Fault]:
    found = error.errors(include_url=False, include_input=False, include_context=False)
    return [Fault(pointer(one["loc"]), _code(one["type"]), one["msg"]) for one in found]


def _body_problem(error: ValidationError) -> Problem:
    faults = faults_of(error)
    broken = next((one for one in error.errors(include_input=False, include_url=False)), None)
    if broken and broken["type"] == "json_invalid":
        return Problem(MALFORMED, f"The body is not JSON: {broken['msg']}")
    if len(faults) == 1 and not faults[0].pointer:
        return Problem(INVALID, "The body must be a JSON object", faults=faults)
    return invalid(faults)


def _code(kind: str) -> str:
    if kind in _CODES:
        return _CODES[kind]
    if kind.endswith(_WRONG_FORM_ENDINGS):
        return "wrong_form"
    return "wrong_type" if kind.endswith("_type") else "invalid"


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name appears twice in one object")
    return found


def _halves(tree: Any) -> set[str]:
    """Pointers to the texts that hold half of a character, and to the objects with such a name."""
    found: set[str] = set()
    left: list[tuple[tuple[int | str, ...], Any]] = [((), tree)]
    while left:  # no recursion: the body chooses the depth
        place, value = left.pop()
        if isinstance(value, str) and _HALF.search(value):
            found.add(pointer(place))
        elif isinstance(value, list):
            left += [((*place, number), inner) for number, inner in enumerate(value)]
        elif isinstance(value, dict):
            left += [(place, name) for name in value]
            left += [((*place, k), inner) for k, inner in value.items() if not _HALF.search(k)]
    return found


def _no_constant(_name: str) -> NoReturn:
    raise ValueError("NaN and Infinity are no JSON")
