"""What a file can do to its reader: it gets a clear word with its row, and little memory."""

import io
import resource
import tracemalloc
import zipfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest
import xlsxwriter

from services.intake.imports import workbook
from services.intake.imports.reading import MOST_ROWS, survey
from services.intake.imports.unreadable import FileFault
from tests.intake.imports.files import a_row, csv_file, pieces, rows, with_entry, xlsx_file

SHEET = "xl/worksheets/sheet1.xml"
MIB = 1024 * 1024


def fault(content: bytes, *, size: int = 64 * 1024) -> tuple[str, int | None]:
    with pytest.raises(FileFault) as raised:
        survey(pieces(content, size))
    return raised.value.code, raised.value.row


def test_an_empty_file_and_one_with_names_only_have_no_rows() -> None:
    assert fault(b"") == ("empty_file", None)
    assert fault(csv_file([])) == ("empty_file", None)
    assert fault(xlsx_file([])) == ("empty_file", None)


def test_a_row_of_10_mb_is_told_by_its_number_and_never_held() -> None:
    def endless() -> Iterator[bytes]:
        yield csv_file(rows(3))
        for _ in range(10):
            yield b"x" * MIB

    tracemalloc.start()

    with pytest.raises(FileFault) as raised:
        survey(endless)

    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (raised.value.code, raised.value.row) == ("row_too_large", 5)
    assert peak < 20 * MIB


@pytest.mark.parametrize(
    "start",
    [
        b'name,words\nAna,"',  # a quote that never closes swallows line after line
        b"name,words\nAna," + b"x" * 200_000,
        b"name" + b",x" * 600_000,
    ],
)
def test_a_row_without_end_is_told_in_any_form(start: bytes) -> None:
    code, _ = fault(start + b"y\n" * 600_000)

    assert code == "row_too_large"


def test_a_file_cut_in_half_is_told_wherever_it_was_cut() -> None:
    quoted = csv_file([a_row(Words='He said "now".'), a_row(2)])
    plain = csv_file(rows(100))

    assert fault(quoted[: quoted.index(b"now")]) == ("quote_open", 2)
    assert fault(plain[: plain.index(b"s50@")]) == ("cut_off", 51)


def test_a_quote_in_the_wrong_place_is_told() -> None:
    assert fault(b'name,words\nAna,"one" two\n') == ("quote_inside", 2)


def test_a_workbook_cut_in_half_is_told() -> None:
    whole = xlsx_file(rows(100))

    assert fault(whole[: len(whole) // 2]) == ("damaged_workbook", None)


def test_a_workbook_whose_sheet_is_no_xml_is_told() -> None:
    code, _ = fault(with_entry(xlsx_file(rows(1)), SHEET, b"<row><c r='A1'><v>\xff"))

    assert code in {"damaged_workbook", "empty_file"}


def test_an_archive_that_is_no_workbook_is_told() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("letter.txt", "Dear Sir or Madam")

    assert fault(file.getvalue()) == ("damaged_workbook", None)


def test_a_workbook_of_the_old_form_is_told() -> None:
    assert fault(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600) == ("old_workbook", None)


def a_bomb() -> bytes:
    """100 MB of nothing in a sheet of 100 KB."""
    empty = xlsx_file(rows(1))
    return with_entry(empty, SHEET, b"<worksheet><sheetData>" + b"<row/>" * (100 * MIB // 6))


def test_a_zip_bomb_is_told_before_anything_is_unpacked() -> None:
    bomb = a_bomb()

    assert len(bomb) < MIB
    assert fault(bomb) == ("zip_bomb", None)


def test_an_archive_with_too_many_entries_is_told() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for number in range(workbook.MOST_ENTRIES + 1):
            archive.writestr(f"{number}", b"")

    assert fault(file.getvalue()) == ("zip_bomb", None)


def test_a_bomb_whose_directory_lies_takes_little_memory() -> None:
    bomb = a_bomb()
    with zipfile.ZipFile(io.BytesIO(bomb)) as archive:
        size = archive.getinfo(SHEET).file_size
    lying = bomb.replace(size.to_bytes(4, "little"), (1000).to_bytes(4, "little"))

    (code, _), memory = alone(lying)
    assert code in {"damaged_workbook", "sheet_too_large", "empty_file"}
    assert memory < workbook.MOST_MEMORY


def test_a_sheet_of_two_cells_at_its_far_ends_ends_the_program_and_not_us() -> None:
    file = io.BytesIO()
    with xlsxwriter.Workbook(file) as book:
        sheet = book.add_worksheet()
        sheet.write(0, 0, "Name")
        sheet.write(1_048_575, 16_383, "far away")

    told, memory = alone(file.getvalue())
    assert told == ("sheet_too_large", None)
    assert memory < workbook.MOST_MEMORY


def test_too_many_rows_and_columns_are_told() -> None:
    many = b"name\n" + b"a\n" * (MOST_ROWS + 1)

    assert fault(many) == ("too_many_rows", MOST_ROWS + 2)
    assert fault(csv_file([["x"]], [f"c{number}" for number in range(300)])) == (
        "too_many_columns",
        1,
    )


def alone(content: bytes) -> tuple[tuple[str, int | None], int]:
    """The fault, and the bytes of the largest program that reading the file took."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(_alone, content).result()


def _alone(content: bytes) -> tuple[tuple[str, int | None], int]:
    # In a process of its own: this one's children are servers, too.
    told = fault(content)
    return told, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
