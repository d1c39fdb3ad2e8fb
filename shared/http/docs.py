"""/openapi.json and /docs: the API, for machines and for people, from one document.

The page is plain HTML with its style inside: no script, nothing from elsewhere.
"""

import base64
import hashlib
import json
from collections.abc import Callable
from functools import cache
from importlib.resources import files
from typing import Any

from flask import Flask, Response
from jinja2 import Environment, PackageLoader, StrictUndefined
from markdown_it import MarkdownIt
from markupsafe import Markup

from shared.http import openapi
from shared.http.operations import Api
from shared.http.problems import MEDIA_TYPE, METHOD_NOT_ALLOWED, NOT_FOUND

_KEY = "openapi"
_MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable("table")


def publish(api: Api) -> None:
    """Serves both; called when every operation has been added."""
    show(api.app, lambda: openapi.build(api.about, api.operations))


def show(app: Flask, build: Callable[[], dict[str, Any]]) -> None:
    """Serves a document, and its page, on `app`: built once, when first asked for."""
    document = cache(build)
    app.extensions[_KEY] = document
    _serve(app, "/openapi.json", lambda: _as_json(document()))
    _serve(app, "/docs", lambda: _as_page(document()))


def document_of(app: Flask) -> dict[str, Any]:
    """What `app` serves as its /openapi.json."""
    document: Callable[[], dict[str, Any]] = app.extensions[_KEY]
    return document()


def _as_json(document: dict[str, Any]) -> Response:
    text = json.dumps(document, ensure_ascii=False, indent=1)
    return Response(text, mimetype="application/json")


def _as_page(document: dict[str, Any]) -> Response:
    style = files("shared.http").joinpath("docs.css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    page = Response(_render(document, style), mimetype="text/html")
    page.headers["Content-Security-Policy"] = (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'"
    )
    return page


def _serve(app: Flask, path: str, make: Callable[[], Response]) -> None:
    @cache
    def made() -> tuple[bytes, dict[str, str]]:
        answer = make()
        kept = dict(answer.headers) | {"Cache-Control": "public, max-age=300"}
        del kept["Content-Length"]
        return answer.get_data(), kept

    def view() -> Response:
        body, headers = made()
        return Response(body, headers=headers)

    app.add_url_rule(path, path.strip("/"), view)


def _render(document: dict[str, Any], style: str) -> str:
    environment = Environment(
        loader=PackageLoader("shared.http", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["markdown"] = lambda text: Markup(_MARKDOWN.render(text))  # noqa: S704
    environment.filters["line"] = lambda text: Markup(_MARKDOWN.renderInline(text))  # noqa: S704
    return environment.get_template("docs.html.j2").render(
        api=document,
        style=Markup(style),  # noqa: S704  (our own file)
        operations=[_operation(document, *one) for one in _operations(document)],
        problems=_problems(document),
    )


def _operations(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (path, method, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


def _operation(
    document: dict[str, Any], path: str, method: str, operation: dict[str, Any]
) -> dict[str, Any]:
    """What the page shows of one operation."""
    sent = _schema(document, operation.get("requestBody", {}))
    good = next(status for status in operation["responses"] if status < "300")
    answered = _schema(document, operation["responses"][good])
    return {
        "id": operation["operationId"],
        "path": path,
        "method": method.upper(),
        "does": operation,
        "good": good,
        "sent": fields(document, sent),
        "answered": fields(document, answered),
        "answer_example": _pretty(_example(answered)),
        "curl": _curl(path, method.upper(), operation, _example(sent)),
        "fault_codes": {
            code: meaning
            for response in operation["responses"].values()
            for code, meaning in response.get("x-fault-codes", {}).items()
        },
    }


def _schema(document: dict[str, Any], part: dict[str, Any]) -> dict[str, Any]:
    content = part.get("content", {})
    kind = next((one for one in content if one == "application/json" or one.endswith("+json")), "")
    return resolve(document, content.get(kind, {}).get("schema", {}))


def resolve(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """The schema that a `$ref` names; any other as it is."""
    if "$ref" not in schema:
        return schema
    name = schema["$ref"].rpartition("/")[2]
    found: dict[str, Any] = document["components"]["schemas"][name]
    return found | {key: value for key, value in schema.items() if key != "$ref"}


def fields(
    document: dict[str, Any], schema: dict[str, Any], above: str = ""
) -> list[dict[str, Any]]:
    """Every field, nested ones after their parent, as rows of a table."""
    rows: list[dict[str, Any]] = []
    for name, inner in schema.get("properties", {}).items():
        here = resolve(document, inner)
        rows.append(
            {
                "name": above + name,
                "type": _type(document, here),
                "required": name in schema.get("required", ()),
                "default": None if _nested(document, here) else here.get("default"),
                "description": here.get("description", ""),
            }
        )
        rows += fields(document, _nested(document, here), f"{above}{name}.")
    return rows


def _nested(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """The object inside: itself, an optional one, or the items of a list."""
    for one in [schema, *schema.get("anyOf", []), schema.get("items", {})]:
        found = resolve(document, one)
        if "properties" in found:
            return found
    return {}


def _type(document: dict[str, Any], schema: dict[str, Any]) -> str:
    if "const" in schema:
        return json.dumps(schema["const"])
    if "enum" in schema:
        return " | ".join(json.dumps(word) for word in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_type(document, resolve(document, schema.get('items', {})))}"
    word = str(schema.get("format") or schema.get("type", "anything"))
    if "anyOf" in schema:
        word = " | ".join(_type(document, resolve(document, one)) for one in schema["anyOf"])
    limit = schema.get("maxLength")
    return f"{word}, at most {limit:,}" if limit else word


def _example(schema: dict[str, Any]) -> Any:
    return next(iter(schema.get("examples", [])), None)


def _pretty(example: Any) -> str:
    return "" if example is None else json.dumps(example, ensure_ascii=False, indent=2)


def _curl(path: str, method: str, operation: dict[str, Any], example: Any) -> str:
    lines = [f"curl -X {method} https://writ.example{path}"]
    if "security" in operation:
        lines.append('-H "Authorization: Bearer $WRIT_KEY"')
    if any(one["name"] == "Idempotency-Key" for one in operation["parameters"]):
        lines.append('-H "Idempotency-Key: $(uuidgen)"')
    if example is not None:
        lines.append("--json @- <<'JSON'\n" + _pretty(example) + "\nJSON")
    return " \\\n  ".join(lines)


def _problems(document: dict[str, Any]) -> list[tuple[int, str, str]]:
    """Each code once."""
    # The first two are answered where there is no operation: at an unknown path, to a method.
    found = {one.code: (one.status, one.title) for one in (NOT_FOUND, METHOD_NOT_ALLOWED)}
    for _, _, operation in _operations(document):
        for status, response in operation["responses"].items():
            if MEDIA_TYPE in response.get("content", {}):  # others' forms have others' statuses
                for code, title in response.get("x-codes", {}).items():
                    found.setdefault(code, (int(status), title))
    return sorted((status, code, title) for code, (status, title) in found.items())
