"""OpenAPI 3.1 from the same models that validate: what is described is what is checked.

In: the operations of an `Api`.  Out: a document as a dict, valid per openapi-spec-validator.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal, cast

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue, models_json_schema

from shared.http.bodies import VALIDATION_CODES
from shared.http.operations import About, Operation
from shared.http.problems import INVALID, ProblemKind

_Mode = Literal["validation", "serialization"]
_REF = "#/components/schemas/{model}"
_FIELD = "A structured field (RFC 9651) of draft-ietf-httpapi-ratelimit-headers-11."
_HEADERS: Mapping[str, Any] = {
    "RateLimit-Policy": {
        "description": f"The limits of a key that has any: how much in how many seconds. {_FIELD}",
        "schema": {"type": "string"},
        "example": '"requests";q=100;w=10, "actions";q=5000;w=86400;qu="actions"',
    },
    "RateLimit": {
        "description": f"What is left of them, and for how many seconds. {_FIELD}",
        "schema": {"type": "string"},
        "example": '"requests";r=93;t=7, "actions";r=4210;t=40012',
    },
    "Retry-After": {
        "description": "Seconds after which to come back",
        "schema": {"type": "integer", "minimum": 0},
    },
}


class _InOrder(GenerateJsonSchema):
    """Leaves examples in the order somebody wrote them; pydantic would sort by name."""

    def sort(self, value: JsonSchemaValue, parent_key: str | None = None) -> JsonSchemaValue:
        return value


def build(about: About, operations: Iterable[Operation]) -> dict[str, Any]:
    """The whole document."""
    operations = list(operations)
    by_model, components = models_json_schema(
        _models(operations), ref_template=_REF, schema_generator=_InOrder
    )
    schemas = cast(Mapping[tuple[type[BaseModel], _Mode], dict[str, Any]], by_model)
    paths: dict[str, dict[str, Any]] = {}
    for one in operations:
        paths.setdefault(one.path, {})[one.method.lower()] = _operation(one, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": about.title,
            "version": about.version,
            "description": about.description,
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": components.get("$defs", {}) | _named_in_parameters(operations),
            "securitySchemes": _keys(operations),
            "headers": _HEADERS,
        },
    }


def _keys(operations: Iterable[Operation]) -> dict[str, Any]:
    """Where an API key may stand."""
    bearer = {"type": "http", "scheme": "bearer", "description": "An API key, `writ_…`"}
    headers = {one.dialect.key_header for one in operations if one.dialect.key_header}
    said = {"type": "apiKey", "in": "header", "description": "The same key, without `Bearer`"}
    return {"key": bearer} | {name: said | {"name": name} for name in sorted(headers)}


def _models(operations: Iterable[Operation]) -> list[tuple[type[BaseModel], _Mode]]:
    found: dict[tuple[type[BaseModel], _Mode], None] = {}
    for one in operations:
        found[one.dialect.problems.model, "serialization"] = None
        if one.body:
            found[one.body, "validation"] = None
        if one.answers:
            found[one.answers, "serialization"] = None
    return list(found)


def _operation(
    one: Operation, schemas: Mapping[tuple[type[BaseModel], _Mode], dict[str, Any]]
) -> dict[str, Any]:
    document: dict[str, Any] = {
        "operationId": one.name,
        "tags": [one.tag],
        "summary": one.summary,
        "description": one.description,
        "parameters": list(_parameters(one)),
        "responses": _responses(one, schemas),
    }
    if one.scopes:
        header = one.dialect.key_header
        document["security"] = [{"key": []}, *([{header: []}] if header else [])]
        document["x-scopes"] = [str(scope) for scope in one.scopes]
    if one.body:
        schema = schemas[one.body, "validation"]
        document["requestBody"] = {
            "content": _content({one.dialect.takes[0]: schema}),
            "required": True,
        }
    elif one.takes.get("body") is bytes:
        document["requestBody"] = {"content": {"*/*": {}}, "required": True}
    elif one.media:
        document["requestBody"] = {"content": _content(one.media.kinds), "required": True}
    return document


def _named_in_parameters(operations: Iterable[Operation]) -> dict[str, Any]:
    """What parameters refer to: the words of an enum."""
    found: dict[str, Any] = {}
    for one in operations:
        for _, schema in _places(one):
            found |= schema.get("$defs", {})
    return found


def _places(one: Operation) -> Iterator[tuple[str, dict[str, Any]]]:
    for place, name in (("path", "path"), ("query", "query"), ("headers", "header")):
        if place in one.takes:
            yield name, one.takes[place].model_json_schema(ref_template=_REF)


def _parameters(one: Operation) -> Iterator[dict[str, Any]]:
    for name, schema in _places(one):
        for key, inner in schema["properties"].items():
            yield {
                "name": key,
                "in": name,
                "required": key in schema.get("required", ()),
                "description": inner.get("description", ""),
                "schema": _of_parameter(inner),
            }


def _of_parameter(schema: dict[str, Any]) -> dict[str, Any]:
    """A parameter is there or not there: it is never null."""
    kept = {key: value for key, value in schema.items() if key not in {"description", "title"}}
    some: list[dict[str, Any]] = [one for one in kept.get("anyOf", ()) if one != {"type": "null"}]
    if len(some) != 1:
        return kept
    return {key: one for key, one in kept.items() if key not in {"anyOf", "default"}} | some[0]


def _responses(
    one: Operation, schemas: Mapping[tuple[type[BaseModel], _Mode], dict[str, Any]]
) -> dict[str, Any]:
    good: dict[str, Any] = {"description": "As asked"}
    if one.answers:
        good["content"] = _content({one.dialect.gives: schemas[one.answers, "serialization"]})
    if one.gives:
        good["content"] = good.get("content", {}) | _content(one.gives)
    form = one.dialect.problems
    by_status: dict[int, list[ProblemKind]] = {}
    for kind in one.all_problems():
        by_status.setdefault(form.status(kind), []).append(kind)
    problem = _content({form.media_type: schemas[form.model, "serialization"]})
    answers = {str(one.status): good} | {
        str(status): _problem(one, kinds, problem) for status, kinds in sorted(by_status.items())
    }
    return {status: said | _headers(one, status) for status, said in answers.items()}


def _headers(one: Operation, status: str) -> dict[str, Any]:
    """What an answer may carry for a key with limits."""
    names = ["RateLimit-Policy", "RateLimit"] if one.scopes else []
    names += ["Retry-After"] if status in {"429", "503"} else []
    headers = {name: {"$ref": f"#/components/headers/{name}"} for name in names}
    return {"headers": headers} if headers else {}


def _problem(one: Operation, kinds: list[ProblemKind], content: dict[str, Any]) -> dict[str, Any]:
    document: dict[str, Any] = {
        "description": "; ".join(f"`{kind.code}`: {kind.title}" for kind in kinds),
        "content": content,
        "x-codes": {kind.code: kind.title for kind in kinds},
    }
    if INVALID in kinds:
        document["x-fault-codes"] = {**VALIDATION_CODES, **one.faults}
    return document


def _content(media: Mapping[str, Any]) -> dict[str, Any]:
    return {kind: {"schema": schema} for kind, schema in media.items()}
