"""The manifest says of each letter what the house asked for, as it asked for it."""

import csv
import io
from uuid import UUID
from xml.etree import ElementTree

from services.dispatch.providers.batches.house import Column, House
from services.dispatch.providers.batches.manifest import Piece, write
from tests.dispatch.providers.house import a_house

FIRST, SECOND = UUID(int=1), UUID(int=2)


def a_piece(delivery_id: UUID = FIRST, **changes: object) -> Piece:
    told = {
        "delivery_id": delivery_id,
        "pages": 3,
        "bytes": 1000,
        "sha256": "ab" * 32,
        "country": "BY",
        "lines": ("Prosecutor; General", '"1" Street', "BELARUS"),
    }
    return Piece(**(told | changes))  # type: ignore[arg-type]


def a_house_with(**changes: object) -> House:
    house = a_house()
    return house.model_copy(update={"manifest": house.manifest.model_copy(update=changes)})


def test_each_letter_is_a_row_in_the_columns_of_the_house() -> None:
    content = write("writ-1", [a_piece(), a_piece(SECOND)], a_house())

    rows = list(csv.DictReader(io.StringIO(content.decode(), newline=""), delimiter=";"))
    assert [row["reference"] for row in rows] == [str(FIRST), str(SECOND)]
    assert rows[0] == {
        "reference": str(FIRST),
        "file": f"{FIRST}.pdf",
        "sha256": "ab" * 32,
        "pages": "3",
        "class": "priority",
        "country": "BY",
        "address1": "Prosecutor; General",
        "address2": '"1" Street',
        "address3": "BELARUS",
        "address4": "",
        "address5": "",
        "address6": "",
    }


def test_the_same_letters_make_the_same_bytes() -> None:
    assert write("writ-1", [a_piece()], a_house()) == write("writ-1", [a_piece()], a_house())


def test_a_house_may_want_xml_and_what_always_stands_there() -> None:
    columns = (
        Column(theirs="Id", ours="reference"),
        Column(theirs="Blatt", ours="sheets"),
        Column(theirs="Farbe", ours="=sw"),
        Column(theirs="Zeile1", ours="line1"),
    )
    house = a_house_with(form="xml", columns=columns, root="Auftrag", row="Brief")

    root = ElementTree.fromstring(write("writ-1", [a_piece(lines=("A & B <c>",))], house))

    assert (root.tag, root.attrib) == ("Auftrag", {"name": "writ-1", "letters": "1"})
    [letter] = root
    assert {one.tag: one.text for one in letter} == {
        "Id": str(FIRST),
        "Blatt": "2",
        "Farbe": "sw",
        "Zeile1": "A & B <c>",
    }


def test_a_house_that_reads_the_window_has_no_lines() -> None:
    columns = (Column(theirs="id", ours="reference"), Column(theirs="pdf", ours="file"))

    assert a_house_with(columns=columns).manifest.lines == 0
