"""One OpenAPI document of all that a campaign tool may ask: intake, and tracking's status API.

In: both services' apps, which carry their own documents.  Out: a dict, valid 3.1.  What providers
and orchestrators ask for (receipts, health) is left out: a client of it would be of no use.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

import click
from flask import Flask

from services.intake import app as intake_app
from services.intake.settings import Settings as IntakeSettings
from services.tracking import app as tracking_app
from services.tracking.settings import Settings as TrackingSettings
from shared.database import Database
from shared.http.docs import document_of
from shared.privacy import Keyring
from shared.settings import Env

_NOT_FOR_TOOLS = {"receipts", "health"}  # tags
_NOWHERE = "sqlite:///nowhere.db"  # never opened
_REF = re.compile(r'"#/components/schemas/([^"]+)"')

_Document = dict[str, Any]


@click.command("openapi")
def openapi() -> None:
    """Print the OpenAPI document of the whole API, to make a client from."""
    click.echo(json.dumps(merged(*both()), ensure_ascii=False, indent=1))


def merged(intake: Flask, tracking: Flask) -> _Document:
    """Both documents as one."""
    ours, theirs = _for_tools(document_of(intake)), _for_tools(document_of(tracking))
    about = "\n".join(one["info"]["description"] for one in (ours, theirs))
    return ours | {
        "info": ours["info"] | {"title": "Writ", "description": about},
        "paths": _united(ours["paths"], theirs["paths"]),
        "components": {
            part: _united(some, theirs["components"][part])
            for part, some in ours["components"].items()
        },
    }


def _for_tools(document: _Document) -> _Document:
    kept = {
        path: {
            method: operation
            for method, operation in methods.items()
            if _NOT_FOR_TOOLS.isdisjoint(operation["tags"])
        }
        for path, methods in document["paths"].items()
    }
    paths = {path: methods for path, methods in kept.items() if methods}
    schemas = _named_in(paths, document["components"]["schemas"])
    return document | {"paths": paths, "components": document["components"] | {"schemas": schemas}}


def _named_in(paths: Mapping[str, Any], schemas: Mapping[str, Any]) -> dict[str, Any]:
    """The schemas that these paths name, and those that they name in turn."""
    found: dict[str, Any] = {}
    left = set(_REF.findall(json.dumps(paths)))
    while left:
        name = left.pop()
        found[name] = schemas[name]
        left |= {one for one in _REF.findall(json.dumps(schemas[name])) if one not in found}
    return {name: schema for name, schema in schemas.items() if name in found}


def _united(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> dict[str, Any]:
    """Raises ValueError where one name means two things: a client would get one of them wrong."""
    torn = [name for name in ours if name in theirs and ours[name] != theirs[name]]
    if torn:
        raise ValueError(f"intake and tracking differ in: {', '.join(sorted(torn))}")
    return {**ours, **theirs}


def both() -> tuple[Flask, Flask]:
    """Both, for their documents alone: on no database, and with keys that open nothing."""
    env = Env(
        {
            "WRIT_ENVIRONMENT": "development",
            "WRIT_DATABASE_URL": _NOWHERE,
            "WRIT_PRIVACY_KEYS": Keyring.new_key("none"),
            "WRIT_IDENTITY_KEY": "A" * 43 + "=",
        }
    )
    database = Database(_NOWHERE, Keyring.parse(env.text("WRIT_PRIVACY_KEYS")))
    intake = intake_app.create_app(IntakeSettings.from_env(env), database)
    return intake, tracking_app.create_app(TrackingSettings.from_env(env), database)
