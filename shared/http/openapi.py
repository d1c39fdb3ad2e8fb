"""OpenAPI 3.1 from the same models that validate: what is described is what is checked.

In: the operations of an `Api`.  Out: a document as a dict, valid per openapi-spec-validator.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal, cast

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue, models_json_schema

from shared.http.bodies import VALIDATION_CODES
from shared.http.operations import About, Operation
from shared.http.problems import INVALID, MEDIA_TYPE, ProblemDocument, ProblemKind

_Mode = Literal["validation", "serialization"]
_REF = "#/components/schemas/{model}"


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
            "securitySchemes": {
                "key": {"type": "http", "scheme": "bearer", "description": "An API key, `writ_…`"}
            },
        },
    }


def _models(operations: Iterable[Operation]) -> list[tuple[type[BaseModel], _Mode]]:
    found: dict[tuple[type[BaseModel], _Mode], None] = {(ProblemDocument, "serialization"): None}
    for one in operations:
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
        "summary": one.summary,
        "description": one.description,
        "parameters": list(_parameters(one)),
        "responses": _responses(one, schemas),
    }
    if one.scope:
        document["security"] = [{"key": []}]
        document["x-scope"] = str(one.scope)
    if one.body:
        document["requestBody"] = _json(schemas[one.body, "validation"]) | {"required": True}
    elif one.takes.get("body") is bytes:
        document["requestBody"] = {"content": {"*/*": {}}, "required": True}
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
            inner = dict(inner)
            description = inner.pop("description", "")
            inner.pop("title", None)
            yield {
                "name": key,
                "in": name,
                "required": key in schema.get("required", ()),
                "description": description,
                "schema": inner,
            }


def _responses(
    one: Operation, schemas: Mapping[tuple[type[BaseModel], _Mode], dict[str, Any]]
) -> dict[str, Any]:
    good: dict[str, Any] = {"description": "As asked"}
    if one.answers:
        good |= _json(schemas[one.answers, "serialization"])
    by_status: dict[int, list[ProblemKind]] = {}
    for kind in one.all_problems():
        by_status.setdefault(kind.status, []).append(kind)
    problem = schemas[ProblemDocument, "serialization"]
    return {str(one.status): good} | {
        str(status): _problem(one, kinds, problem) for status, kinds in sorted(by_status.items())
    }


def _problem(one: Operation, kinds: list[ProblemKind], schema: dict[str, Any]) -> dict[str, Any]:
    document: dict[str, Any] = {
        "description": "; ".join(f"`{kind.code}`: {kind.title}" for kind in kinds),
        "content": {MEDIA_TYPE: {"schema": schema}},
        "x-codes": {kind.code: kind.title for kind in kinds},
    }
    if INVALID in kinds:
        document["x-fault-codes"] = {**VALIDATION_CODES, **one.faults}
    return document


def _json(schema: dict[str, Any]) -> dict[str, Any]:
    return {"content": {"application/json": {"schema": schema}}}
