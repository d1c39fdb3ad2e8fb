"""Every error answer is problem+json (RFC 9457) with a code that does not change.

In: `Problem`, raised anywhere below the edge, or any exception.  Out: one form, whoever failed:
{"type", "title", "status", "code", "detail", "errors": [{"pointer", "code", "detail"}]}.
The messages name fields and ids, never what a person wrote.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus

import structlog
from flask import Flask, Response, g, got_request_exception
from pydantic import BaseModel, Field
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as WSGIResponse

from shared.database import DATABASE_AWAY
from shared.faults import Fault as Fault
from shared.faults import Refused

MEDIA_TYPE = "application/problem+json"
MOST_FAULTS = 100  # a hostile body may hold thousands; nobody reads more than this

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ProblemKind:
    """One way to fail: an HTTP status, a stable snake_case code, and a title for people."""

    status: int
    code: str
    title: str


MALFORMED = ProblemKind(400, "malformed_json", "The body is not well-formed JSON in UTF-8")
KEY_MISSING = ProblemKind(401, "key_missing", "An API key is needed")
KEY_INVALID = ProblemKind(401, "key_invalid", "The API key is not valid")
KEY_REVOKED = ProblemKind(401, "key_revoked", "The API key was revoked")
KEY_EXPIRED = ProblemKind(401, "key_expired", "The API key's time is over")
SCOPE_MISSING = ProblemKind(403, "scope_missing", "The API key lacks a scope")
NOT_FOUND = ProblemKind(404, "not_found", "There is nothing here")
METHOD_NOT_ALLOWED = ProblemKind(405, "method_not_allowed", "The method is not allowed here")
TOO_LARGE = ProblemKind(413, "body_too_large", "The body is too large")
NOT_JSON = ProblemKind(415, "unsupported_media_type", "The body must be application/json")
INVALID = ProblemKind(422, "invalid", "The request has faults")
TOO_MANY = ProblemKind(429, "rate_limited", "Too many requests")
BROKEN = ProblemKind(500, "internal_error", "Something broke on our side")
UNAVAILABLE = ProblemKind(503, "unavailable", "The database cannot be reached")
NOT_READY = ProblemKind(503, "not_ready", "The service is not ready")

_BY_STATUS = {
    kind.status: kind
    for kind in (NOT_FOUND, METHOD_NOT_ALLOWED, TOO_LARGE, NOT_JSON, TOO_MANY, BROKEN, UNAVAILABLE)
}


class Problem(Exception):
    """Ends a request with an error.  `detail` is for people, and may differ each time."""

    def __init__(
        self,
        kind: ProblemKind,
        detail: str = "",
        *,
        faults: Sequence[Fault] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(kind.code)
        self.kind = kind
        self.detail = detail or kind.title
        self.faults = tuple(faults)[:MOST_FAULTS]
        self.headers = dict(headers or {})


class FaultDocument(BaseModel):
    """One fault."""

    pointer: str = Field(
        description="Where: a JSON pointer (RFC 6901) into the body, or `?name` for a parameter",
        examples=["/supporter/name"],
    )
    code: str = Field(description="What, in a word that does not change", examples=["too_long"])
    detail: str = Field(description="What, in words for people; may change")


class ProblemDocument(BaseModel):
    """What every error answers (RFC 9457)."""

    type: str = Field(description="Where this kind of problem is described")
    title: str
    status: int
    code: str = Field(description="A word that does not change; decide by this one")
    detail: str
    errors: list[FaultDocument] = Field(
        default_factory=list, description="Every fault found, all at once"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ProblemForm:
    """How an API writes its errors down."""

    media_type: str
    model: type[BaseModel]  # of what `write` makes
    write: Callable[[Problem], BaseModel]
    statuses: Mapping[int, int] = field(default_factory=dict)  # where theirs is not ours

    def status(self, kind: ProblemKind) -> int:
        return self.statuses.get(kind.status, kind.status)


def _write(problem: Problem) -> ProblemDocument:
    return ProblemDocument(
        type=f"/docs#problem-{problem.kind.code}",
        title=problem.kind.title,
        status=problem.kind.status,
        code=problem.kind.code,
        detail=problem.detail,
        errors=[
            FaultDocument(pointer=one.pointer, code=one.code, detail=one.detail)
            for one in problem.faults
        ],
    )


PROBLEM_JSON = ProblemForm(media_type=MEDIA_TYPE, model=ProblemDocument, write=_write)


def answer(problem: Problem) -> Response:
    """The HTTP response of a problem, in the form of the operation that was asked."""
    form: ProblemForm = g.get("problem_form", PROBLEM_JSON)
    g.problem_code = problem.kind.code
    return Response(
        form.write(problem).model_dump_json(by_alias=True),
        status=form.status(problem.kind),
        headers=problem.headers,
        mimetype=form.media_type,
    )


def handle_errors(app: Flask) -> None:
    """From here on every error of `app` is problem+json, also those nobody thought of."""
    app.register_error_handler(Problem, answer)
    app.register_error_handler(Refused, lambda refused: answer(invalid(refused.faults)))
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(Exception, lambda error: _unexpected(app, error))


def _http_error(error: HTTPException) -> WSGIResponse:
    response = error.get_response()
    if response.status_code < 400:  # a redirect is no error
        return response
    kept = {
        name: response.headers[name]
        for name in ("Allow", "Retry-After", "WWW-Authenticate")
        if name in response.headers
    }
    return answer(Problem(kind_of(response.status_code), headers=kept))


def kind_of(status: int) -> ProblemKind:
    """The kind for a bare HTTP status; its own phrase where we have no better words."""
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    phrase = HTTPStatus(status).phrase
    return ProblemKind(status, phrase.lower().replace(" ", "_").replace("-", "_"), phrase)


def _unexpected(app: Flask, error: Exception) -> Response:
    got_request_exception.send(app, exception=error)  # Sentry listens here
    # The class and the place only: a database's message may quote a person's words.
    log.error("request_failed", error=type(error).__name__, place=_place(error))
    if isinstance(error, DATABASE_AWAY):
        return answer(Problem(UNAVAILABLE, headers={"Retry-After": "5"}))
    return answer(Problem(BROKEN))


def _place(error: Exception) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return ""
    return f"{trace.tb_frame.f_code.co_filename.rpartition('/')[2]}:{trace.tb_lineno}"


def invalid(faults: Sequence[Fault]) -> Problem:
    said = faults[0].detail if len(faults) == 1 else f"{len(faults)} faults; see `errors`"
    return Problem(INVALID, said, faults=faults)
