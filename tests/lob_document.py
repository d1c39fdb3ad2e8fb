"""Lob's own document (MIT), read from ../shared/data: the judge of what we send and what we fake.

It is not ours to commit.  Where the folder is missing, as in a newcomer's clone, the tests that
need it are skipped.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]
from openapi_schema_validator import OAS30Validator
from referencing import Registry
from referencing.jsonschema import DRAFT4
from werkzeug.datastructures import FileStorage

FILE = Path(__file__).parents[2] / "shared/data/lob-api-bundled.yml"
_NAME = "urn:lob"
# The document's pattern for links takes not even its own examples; this is what it does take.
_LINK = (
    "https://lob-assets.com/letters/ltr_4868c3b754655f90_signature.pdf"
    "version=v1&expires=1568239830&signature=x"
)


@cache
def document() -> dict[str, Any]:
    """The document as it is.  Skips the test where it is missing."""
    if not FILE.exists():
        pytest.skip(f"{FILE.name} is not in ../shared/data")
    loaded: dict[str, Any] = yaml.load(FILE.read_bytes(), Loader=yaml.CSafeLoader)
    return loaded


def schema(name: str) -> dict[str, Any]:
    found: dict[str, Any] = document()["components"]["schemas"][name]
    return found


def faults(name: str, value: object) -> list[str]:
    """What the document's schema `name` finds wrong with the value."""
    return [error.message for error in _validator(name).iter_errors(value)]


def piece_faults(name: str, shown: Mapping[str, Any]) -> list[str]:
    """The same of a letter or postcard that an answer or an event shows, but for its link."""
    return faults(name, {**shown, "url": _LINK})


def as_json(form: Mapping[str, str], files: Mapping[str, FileStorage]) -> dict[str, Any]:
    """A form as the document reads it: `metadata[x]` is an object, a file stands for its path."""
    told: dict[str, Any] = {name: file.filename for name, file in files.items()}
    for name, text in form.items():
        outer, _, inner = name.rstrip("]").partition("[")
        if inner:
            told.setdefault(outer, {})[inner] = text
        else:
            told[name] = {"true": True, "false": False}.get(text, text)
    return told


@cache
def _validator(name: str) -> OAS30Validator:
    return OAS30Validator(
        {"$ref": f"{_NAME}#/components/schemas/{name}"},
        registry=Registry().with_resource(_NAME, DRAFT4.create_resource(document())),
        format_checker=OAS30Validator.FORMAT_CHECKER,
    )
