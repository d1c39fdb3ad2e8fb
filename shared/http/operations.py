"""`op` says what an operation takes and answers; `Api` hangs such operations on a Flask app.

An edge is a class whose methods carry `@op(…)`.  What a method takes is read from its signature,
by name: `path`, `query`, `headers`, `body` (pydantic models; `body: bytes` for a raw one) and
`client`.  What it returns is a model, an `Answer` around one, or None.
"""

import inspect
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar, cast, get_args, get_origin, get_type_hints

import structlog
from flask import Flask, Response, g, request
from pydantic import BaseModel

from shared.api_keys import Scope
from shared.clock import new_id
from shared.http import bodies
from shared.http.guard import KINDS, Guard
from shared.http.problems import (
    BROKEN,
    INVALID,
    MALFORMED,
    NOT_FOUND,
    NOT_JSON,
    TOO_LARGE,
    UNAVAILABLE,
    ProblemKind,
    handle_errors,
)

F = TypeVar("F", bound=Callable[..., Any])
M = TypeVar("M", bound=BaseModel)

log = structlog.get_logger("writ.http")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer(Generic[M]):
    """A model with a status or headers of its own."""

    body: M
    status: int | None = None  # None: the operation's own
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One method and path: all that running and describing it needs."""

    method: str
    path: str  # as OpenAPI writes it: /v1/actions/{id}
    name: str
    summary: str
    description: str
    scope: Scope | None  # None: open to everybody
    status: int
    takes: Mapping[str, Any]  # path, query, headers, body, client: their types
    answers: type[BaseModel] | None
    problems: tuple[ProblemKind, ...]
    faults: Mapping[str, str]  # codes in `errors` besides the general ones, and their meaning

    @property
    def body(self) -> type[BaseModel] | None:
        model = self.takes.get("body")
        return None if model in {None, bytes} else cast(type[BaseModel], model)

    def all_problems(self) -> tuple[ProblemKind, ...]:
        """Every kind it may answer, its own and those of what it takes."""
        kinds = [*self.problems]
        kinds += KINDS if self.scope else ()
        kinds += (NOT_FOUND,) if "path" in self.takes else ()
        kinds += (MALFORMED, TOO_LARGE, NOT_JSON, INVALID) if self.body else ()
        kinds += (TOO_LARGE,) if self.takes.get("body") is bytes else ()
        kinds += (INVALID,) if {"query", "headers"} & set(self.takes) else ()
        return tuple(dict.fromkeys([*kinds, BROKEN, UNAVAILABLE]))


def op(
    method: str,
    path: str,
    *,
    scope: Scope | None = None,
    status: int = 200,
    problems: Sequence[ProblemKind] = (),
    faults: Mapping[str, str] | None = None,
) -> Callable[[F], F]:
    """Marks a method as an operation; its docstring is its description."""

    def mark(function: F) -> F:
        hints = get_type_hints(function)
        summary, _, description = inspect.cleandoc(function.__doc__ or "").partition("\n")
        operation = Operation(
            method=method,
            path=path,
            name=function.__name__,
            summary=summary.rstrip("."),
            description=description.strip(),
            scope=scope,
            status=status,
            takes={name: hint for name, hint in hints.items() if name != "return"},
            answers=_answered(hints["return"]),
            problems=tuple(problems),
            faults=dict(faults or {}),
        )
        function.operation = operation  # type: ignore[attr-defined]
        return function

    return mark


@dataclass(frozen=True, slots=True)
class About:
    """What an API says of itself."""

    title: str
    version: str
    description: str  # Markdown


class Api:
    """A Flask app's operations: runs them, and keeps what describes them."""

    def __init__(self, app: Flask, about: About, guard: Guard, *, max_body_bytes: int) -> None:
        self.app = app
        self.about = about
        self.operations: list[Operation] = []
        self._guard = guard
        app.config["MAX_CONTENT_LENGTH"] = max_body_bytes
        app.url_map.merge_slashes = False  # //v1/actions is not found, rather than redirected
        app.before_request(_begin)
        app.after_request(_end)
        handle_errors(app)

    def add(self, edge: object) -> None:
        """Hangs on every operation of `edge`, in the order of its source."""
        for name, function in vars(type(edge)).items():
            operation = getattr(function, "operation", None)
            if isinstance(operation, Operation):
                self._hang(operation, getattr(edge, name))

    def _hang(self, operation: Operation, function: Callable[..., Any]) -> None:
        readers = _readers(operation)
        scope, admit = operation.scope, self._guard.admit

        def view(**arguments: Any) -> Response:
            given: dict[str, Any] = {}
            if scope is not None:
                client = admit(request.headers.get("Authorization"), scope)
                g.client_id = client.id
                given["client"] = client
            for name, read in readers:
                given[name] = read(arguments)
            if "client" not in operation.takes:
                given.pop("client", None)
            return _response(function(**given), operation.status)

        self.operations.append(operation)
        rule = operation.path.replace("{", "<").replace("}", ">")
        self.app.add_url_rule(
            rule, operation.name, view, methods=[operation.method], strict_slashes=True
        )


Reader = Callable[[Mapping[str, Any]], Any]


def _readers(operation: Operation) -> list[tuple[str, Reader]]:
    """How each part of the request is read; the path first: nothing there, nothing wrong."""
    known: dict[str, Callable[[Any], Reader]] = {
        "path": lambda model: lambda arguments: bodies.path(arguments, model),
        "query": lambda model: lambda _: bodies.query(request, model),
        "headers": lambda model: lambda _: bodies.headers(request, model),
        "body": lambda model: (
            (lambda _: bodies.raw_body(request))
            if model is bytes
            else (lambda _: bodies.json_body(request, model))
        ),
    }
    unknown = set(operation.takes) - {*known, "client"}
    if unknown:
        raise TypeError(f"{operation.name}: an operation cannot take {', '.join(sorted(unknown))}")
    takes = operation.takes
    return [(name, make(takes[name])) for name, make in known.items() if name in takes]


def _response(result: object, status: int) -> Response:
    if result is None:
        return Response(status=status)
    if not isinstance(result, Answer):
        result = Answer(body=cast(BaseModel, result))
    return Response(
        result.body.model_dump_json(by_alias=True),
        status=result.status or status,
        headers=dict(result.headers),
        mimetype="application/json",
    )


def _answered(hint: Any) -> type[BaseModel] | None:
    if get_origin(hint) is Answer:
        hint = get_args(hint)[0]
    return None if hint is type(None) else cast(type[BaseModel], hint)


def _begin() -> None:
    g.began = time.perf_counter()
    g.request_id = str(new_id())


def _end(response: Response) -> Response:
    response.headers["Request-Id"] = g.request_id
    response.headers.setdefault("Cache-Control", "no-store")
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    rule = request.url_rule
    log.info(
        "request",
        request_id=g.request_id,
        method=request.method,
        # The rule and not the path: what a caller put into an address is not for our logs.
        route=rule.rule if rule else None,
        status=response.status_code,
        code=g.get("problem_code"),
        client_id=str(g.client_id) if "client_id" in g else None,
        ms=round((time.perf_counter() - g.began) * 1000, 2),
    )
    return response
