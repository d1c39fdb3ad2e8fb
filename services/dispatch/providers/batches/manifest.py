"""Writes a batch's manifest: one row a letter, in the columns and the form of the house.

In: pieces.  Out: the same bytes for the same pieces, however often it is asked.
"""

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID
from xml.etree import ElementTree

from services.dispatch.providers.batches.house import LINES, House, ManifestForm

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")  # of which XML can write none


class Unwritable(Exception):
    """The house's manifest cannot hold this letter; the message quotes none of its address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One letter in a batch."""

    delivery_id: UUID
    pages: int
    bytes: int
    sha256: str
    country: str
    lines: tuple[str, ...]

    @property
    def file(self) -> str:
        return f"{self.delivery_id}.pdf"


def check(piece: Piece, house: House) -> None:
    """Raises Unwritable: better now, of one letter, than at the cut-off, of a batch."""
    holds = house.manifest.lines
    if 0 < holds < len(piece.lines):
        raise Unwritable(f"the address has {len(piece.lines)} lines, the manifest holds {holds}")
    try:
        text = "".join(piece.lines)
        text.encode(house.manifest.encoding)
    except UnicodeEncodeError as error:
        wrong = f"U+{ord(text[error.start]):04X}"
        raise Unwritable(f"the address has {wrong}, unknown to {error.encoding}") from error
    if _CONTROL.search(text):
        raise Unwritable("a line of the address has a control character")


def write(batch: str, pieces: Sequence[Piece], house: House) -> bytes:
    form = house.manifest
    rows = [_row(batch, piece, house) for piece in pieces]
    return _xml(batch, rows, form) if form.form == "xml" else _csv(rows, form)


def _row(batch: str, piece: Piece, house: House) -> list[str]:
    values = {
        "reference": str(piece.delivery_id),
        "batch": batch,
        "file": piece.file,
        "pages": str(piece.pages),
        "sheets": str(house.sheets(piece.pages)),
        "bytes": str(piece.bytes),
        "sha256": piece.sha256,
        "class": house.class_of(piece.country),
        "country": piece.country,
        **dict(zip(LINES, piece.lines, strict=False)),
    }
    ours = [column.ours for column in house.manifest.columns]
    return [one[1:] if one.startswith("=") else values.get(one, "") for one in ours]


def _csv(rows: Sequence[Sequence[str]], form: ManifestForm) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=form.delimiter, lineterminator="\r\n")
    writer.writerow(column.theirs for column in form.columns)
    writer.writerows(rows)
    return text.getvalue().encode(form.encoding)


def _xml(batch: str, rows: Sequence[Sequence[str]], form: ManifestForm) -> bytes:
    root = ElementTree.Element(form.root, name=batch, letters=str(len(rows)))
    for row in rows:
        letter = ElementTree.SubElement(root, form.row)
        for column, value in zip(form.columns, row, strict=True):
            ElementTree.SubElement(letter, column.theirs).text = value
    ElementTree.indent(root)
    written: bytes = ElementTree.tostring(root, encoding=form.encoding, xml_declaration=True)
    return written
