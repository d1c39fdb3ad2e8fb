"""Digests for the tests: entries of invented people, and a digest of them."""

import datetime as dt
import io
import re
from typing import Any
from uuid import UUID

import pypdfium2

from services.dispatch.rendering.compose import Composition, Paragraph, Span
from services.dispatch.rendering.digest import Digest, WrittenDigest, write_digest
from services.dispatch.rendering.entries import Entry
from shared.pages import PDFIUM

NOON = dt.datetime(2026, 6, 1, 12, tzinfo=dt.UTC)


def an_entry(number: int, **changes: Any) -> Entry:
    fields: dict[str, Any] = {
        "reference": UUID(int=number),
        "name": "Ana Beispiel",
        "country": "CH",
        "words": f"Word{number:05}.",
        "language": "en",
    }
    return Entry(**fields | changes)


def some_entries(number: int, **changes: Any) -> list[Entry]:
    return [an_entry(one, **changes) for one in range(1, number + 1)]


def written(entries: list[Entry], *, language: str = "en", **changes: Any) -> WrittenDigest:
    letter = Composition(
        subject="",
        language=language,
        blocks=tuple(Paragraph((Span(one),)) for one in ("Dear Sir,", "Let him go.", "Yours")),
        signature=(),
        reference="r-1",
    )
    fields: dict[str, Any] = {
        "letter": letter,
        "salutation": "Dear Sir",
        "kind": "appeal",
        "case": "Mikita",
        "organiser": "Friends of Letters",
        "people": len(entries),
        "entries": entries,
        "now": NOON,
    }
    return write_digest(Digest(**fields | changes), sender="Friends")


def pages_of(pdf: bytes) -> list[str]:
    """The text of each page, without white space."""
    with PDFIUM, pypdfium2.PdfDocument(io.BytesIO(pdf)) as document:
        return [re.sub(r"\s", "", page.get_textpage().get_text_range()) for page in document]
