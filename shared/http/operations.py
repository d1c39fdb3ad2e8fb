"""`op` says what an operation takes and answers; `Api` hangs such operations on a Flask app.

An edge is a class whose methods carry `@op(…)`.  What a method takes is read from its signature,
by name: `path`, `query`, `headers`, `body` (pydantic models; `body: bytes` for a raw one, `body:
Upload` for one that is read as it comes) and `client`.  What it returns is a model, an `Answer`
around one, None, or a Flask `Response` of one of the media that the operation `gives`.
"""

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import UnionType
from typing import Any, Generic, TypeVar, Union, cast, get_args, get_origin, get_type_hints
from uuid import UUID

from flask import Flask, Response, g, request
from pydantic import BaseModel

from shared.api_keys import Scope
from shared.http import bodies, requests
from shared.http.bodies import NOT_OF_MEDIA, Upload
from shared.http.dialects import PLAIN, Dialect
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

_CAPITAL = re.compile(r"(?<!^)(?=[A-Z])")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer(Generic[M]):
    """A model with a status or headers of its own."""

    body: M
    status: int | None = None  # None: the operation's own
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Media:
    """What an upload may be: content type → JSON schema; and how large."""

    kinds: Mapping[str, Any]
    max_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One method and path: all that running and describing it needs."""

    method: str
    path: str  # as OpenAPI writes it: /v1/actions/{id}
    name: str
    summary: str
    description: str
    scopes: tuple[Scope, ...]  # any of them admits; none: open to everybody
    status: int
    takes: Mapping[str, Any]  # path, query, headers, body, client: their types
    answers: type[BaseModel] | None
    problems: tuple[ProblemKind, ...]
    faults: Mapping[str, str]  # codes in `errors` besides the general ones, and their meaning
    media: Media | None  # of an upload
    gives: Mapping[str, Any]  # besides JSON of `answers`: content type → JSON schema
    dialect: Dialect = PLAIN
    tag: str = ""  # the edge's, so that a generated client sorts by it

    @property
    def body(self) -> type[BaseModel] | None:
        model = self.takes.get("body")
        return None if model in {None, bytes, Upload} else cast(type[BaseModel], model)

    def all_problems(self) -> tuple[ProblemKind, ...]:
        """Every kind it may answer, its own and those of what it takes."""
        kinds = [*self.problems]
        kinds += KINDS if self.scopes else ()
        kinds += (NOT_FOUND,) if "path" in self.takes else ()
        kinds += (MALFORMED, TOO_LARGE, NOT_JSON, INVALID) if self.body else ()
        kinds += (TOO_LARGE,) if self.takes.get("body") is bytes else ()
        kinds += (TOO_LARGE, NOT_OF_MEDIA) if self.takes.get("body") is Upload else ()
        kinds += (INVALID,) if {"query", "headers"} & set(self.takes) else ()
        return tuple(dict.fromkeys([*kinds, BROKEN, UNAVAILABLE]))


def op(
    method: str,
    path: str,
    *,
    scope: Scope | tuple[Scope, ...] = (),
    status: int = 200,
    problems: Sequence[ProblemKind] = (),
    faults: Mapping[str, str] | None = None,
    media: Media | None = None,
    gives: Mapping[str, Any] | None = None,
) -> Callable[[F], F]:
    """Marks a method as an operation; its docstring is its description.

    Of several scopes any one admits; without a scope the operation is open to everybody.
    """

    def mark(function: F) -> F:
        hints = get_type_hints(function)
        summary, _, description = inspect.cleandoc(function.__doc__ or "").partition("\n")
        operation = Operation(
            method=method,
            path=path,
            name=function.__name__,
            summary=summary.rstrip("."),
            description=description.strip(),
            scopes=(scope,) if isinstance(scope, Scope) else scope,
            status=status,
            takes={name: hint for name, hint in hints.items() if name != "return"},
            answers=_answered(hints["return"]),
            problems=tuple(problems),
            faults=dict(faults or {}),
            media=media,
            gives=dict(gives or {}),
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
        requests.watch(app)
        app.after_request(self._tell_limits)
        handle_errors(app)

    def add(self, edge: object) -> None:
        """Hangs on every operation of `edge`, in the order of its source.

        An edge that speaks otherwise than we do has a class attribute `dialect`; one whose uploads
        have a limit that is set has an attribute `max_upload_bytes`.
        """
        kind = type(edge)
        tag = _CAPITAL.sub("-", kind.__name__.removesuffix("Edge")).lower()
        dialect: Dialect = getattr(kind, "dialect", PLAIN)
        for name, function in vars(kind).items():
            operation = getattr(function, "operation", None)
            if isinstance(operation, Operation):
                told = replace(operation, dialect=dialect, tag=tag, media=_limited(operation, edge))
                self._hang(told, getattr(edge, name))

    def _tell_limits(self, response: Response) -> Response:
        if "client" in g:
            response.headers.update(self._guard.headers(g.client))
        return response

    def _hang(self, operation: Operation, function: Callable[..., Any]) -> None:
        readers = _readers(operation)
        scopes, dialect, guard = operation.scopes, operation.dialect, self._guard

        def view(**arguments: Any) -> Response:
            given: dict[str, Any] = {}
            g.problem_form = dialect.problems
            if operation.media:
                request.max_content_length = operation.media.max_bytes
            if scopes:
                # Known from here on: also an error tells them their limits.
                g.client = client = guard.recognise(_authorization(dialect))
                guard.admit(client, scopes)
                given["client"] = client
            for name, read in readers:
                given[name] = read(arguments)
            if "client" not in operation.takes:
                given.pop("client", None)
            return _response(function(**given), operation.status, dialect.gives)

        self.operations.append(operation)
        rule = _rule(operation)
        self.app.add_url_rule(
            rule, operation.name, view, methods=[operation.method], strict_slashes=True
        )


def _rule(operation: Operation) -> str:
    """The path as Flask writes it: what cannot be an id is no path of the operation."""
    fields = operation.takes["path"].model_fields if "path" in operation.takes else {}
    ids = {name for name, one in fields.items() if one.annotation is UUID}
    return re.sub(
        r"{(\w+)}", lambda part: f"<{'uuid:' * (part[1] in ids)}{part[1]}>", operation.path
    )


def _limited(operation: Operation, edge: object) -> Media | None:
    most: int | None = getattr(edge, "max_upload_bytes", None)
    if operation.media is None or most is None:
        return operation.media
    return replace(operation.media, max_bytes=most)


Reader = Callable[[Mapping[str, Any]], Any]


def _readers(operation: Operation) -> list[tuple[str, Reader]]:
    """How each part of the request is read; the path first: nothing there, nothing wrong."""
    known: dict[str, Callable[[Any], Reader]] = {
        "path": lambda model: lambda arguments: bodies.path(arguments, model),
        "query": lambda model: lambda _: bodies.query(request, model),
        "headers": lambda model: lambda _: bodies.headers(request, model),
        "body": lambda model: _body_reader(operation, model),
    }
    unknown = set(operation.takes) - {*known, "client"}
    if unknown:
        raise TypeError(f"{operation.name}: an operation cannot take {', '.join(sorted(unknown))}")
    takes = operation.takes
    return [(name, make(takes[name])) for name, make in known.items() if name in takes]


def _body_reader(operation: Operation, model: Any) -> Reader:
    if model is bytes:
        return lambda _: bodies.raw_body(request)
    if model is Upload:
        if operation.media is None:
            raise TypeError(f"{operation.name}: an upload needs its media")
        kinds = operation.media.kinds
        return lambda _: bodies.upload(request, kinds)
    return lambda _: bodies.json_body(request, model, operation.dialect.takes)


def _authorization(dialect: Dialect) -> str | None:
    """What stands in for the header Authorization, where the dialect has one of its own."""
    key = request.headers.get(dialect.key_header) if dialect.key_header else None
    return f"Bearer {key}" if key else request.headers.get("Authorization")


def _response(result: object, status: int, media_type: str) -> Response:
    if isinstance(result, Response):
        return result
    if result is None:
        return Response(status=status)
    if not isinstance(result, Answer):
        result = Answer(body=cast(BaseModel, result))
    return Response(
        result.body.model_dump_json(by_alias=True),
        status=result.status or status,
        headers=dict(result.headers),
        mimetype=media_type,
    )


def _answered(hint: Any) -> type[BaseModel] | None:
    """The model in a return type: alone, in an Answer, or beside a Response."""
    if get_origin(hint) in {Union, UnionType}:
        [hint] = [one for one in get_args(hint) if one is not Response]
    if get_origin(hint) is Answer:
        hint = get_args(hint)[0]
    return None if hint in {type(None), Response} else cast(type[BaseModel], hint)
