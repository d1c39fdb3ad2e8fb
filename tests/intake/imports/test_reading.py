"""Files are read as they were written: every text, every separator, every sheet."""

import datetime as dt
import io
from typing import Any

import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st

from services.intake.imports.reading import opened, survey
from tests.intake.imports.files import a_row, csv_file, pieces, read, xlsx_file

# What a cell may hold; a cell of nothing but spaces is no cell, and U+FEFF begins a file.
TEXTS = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\x00\ufeff"), min_size=1
).filter(str.strip)
TABLES = st.integers(2, 5).flatmap(
    lambda width: st.lists(st.lists(TEXTS, min_size=width, max_size=width), min_size=1, max_size=8)
)


@settings(deadline=None)
@given(table=TABLES, separator=st.sampled_from(",;\t|"), size=st.integers(1, 50))
def test_any_text_survives_csv(table: list[list[str]], separator: str, size: int) -> None:
    header = [f"column {number}" for number in range(len(table[0]))]

    layout, found = read(csv_file(table, header, separator=separator), size=size)

    assert found == table
    assert layout.header == tuple(header)
    assert layout.rows == len(table)


@settings(max_examples=20, deadline=None)  # each example starts a program
@given(table=TABLES)
def test_any_text_survives_xlsx(table: list[list[str]]) -> None:
    header = [f"column {number}" for number in range(len(table[0]))]
    # XML 1.0 turns a lone carriage return into a line break (section 2.11).
    wanted = [[cell.replace("\r\n", "\n").replace("\r", "\n") for cell in row] for row in table]

    layout, found = read(xlsx_file(table, header))

    assert [[cell.replace("\r\n", "\n").replace("\r", "\n") for cell in row] for row in found] == (
        wanted
    )
    assert layout.rows == len(table)


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_the_separator_is_seen(separator: str) -> None:
    layout, found = read(csv_file([a_row(Words="a, b; c | d")], separator=separator))

    assert layout.separator == separator
    assert found == [a_row(Words="a, b; c | d")]


def test_a_single_column_is_not_parted_at_its_commas() -> None:
    _, found = read(b"Name\nBeispiel, Ana\nM\xc3\xbcller, Boris\n")

    assert found == [["Beispiel, Ana"], ["Müller, Boris"]]


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_lines_may_end_in_any_way_and_the_last_need_not(ending: str) -> None:
    _, found = read(ending.join(["name,words", "Ana,one", "Boris,two"]).encode())

    assert found == [["Ana", "one"], ["Boris", "two"]]


def test_rows_are_numbered_as_a_spreadsheet_does_and_empty_ones_are_no_rows() -> None:
    content = b'name,words\n\n,,\nAna,"two\nlines"\n,\nBoris,\n'

    with opened(pieces(content), survey(pieces(content))) as (_, rows):
        found = [(row.number, row.cells) for row in rows]

    assert found == [(4, ["Ana", "two\nlines"]), (6, ["Boris"])]


def test_cells_of_a_sheet_are_texts() -> None:
    file = io.BytesIO()
    with xlsxwriter.Workbook(file) as workbook:
        sheet, day = workbook.add_worksheet(), workbook.add_format({"num_format": "dd.mm.yyyy"})
        written: list[Any] = ["text", 12.0, 0.5, True, dt.date(2026, 6, 30)]
        sheet.write_row(2, 0, ["a", "b", "c", "d", "e"])
        sheet.write_row(3, 0, written[:-1])
        sheet.write_datetime(3, 4, written[-1], day)

    with opened(pieces(file.getvalue()), survey(pieces(file.getvalue()))) as (header, rows):
        [row] = rows

    assert header == ("a", "b", "c", "d", "e")
    assert row.number == 4
    assert row.cells == ["text", "12", "0.5", "True", "2026-06-30"]


def test_the_first_sheet_that_is_seen_is_read() -> None:
    file = io.BytesIO()
    with xlsxwriter.Workbook(file) as workbook:
        workbook.add_worksheet("Notes").hide()
        sheet = workbook.add_worksheet("Supporters")
        sheet.activate()
        sheet.write_column(0, 0, ["Name", "Ana"])
        workbook.add_worksheet("Other").write(0, 0, "Not this")

    layout, found = read(file.getvalue())

    assert layout.sheet == "Supporters"
    assert found == [["Ana"]]


def test_what_columns_are_called_is_one_clean_line() -> None:
    layout, _ = read(csv_file([["Ana", "x"]], [" First\nname ", "No\x07te"]))

    assert layout.header == ("First name", "Note")
