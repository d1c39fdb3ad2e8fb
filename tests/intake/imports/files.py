"""Files as organisers of writing events send them, and hostile ones."""

import csv
import io
import zipfile
from collections.abc import Callable, Iterator, Sequence

import xlsxwriter

from services.intake.imports.reading import Layout, opened, survey

HEADER = ("Name", "Email", "Country", "Words")
Cells = Sequence[str]


def a_row(number: int = 1, **changes: str) -> list[str]:
    """As HEADER names its cells."""
    cells = {
        "Name": f"Supporter {number}",
        "Email": f"s{number}@tools.example",
        "Country": "CH",
        "Words": f"Words of number {number}.",
    }
    return list((cells | changes).values())


def rows(number: int) -> list[list[str]]:
    return [a_row(one) for one in range(1, number + 1)]


def csv_file(
    table: Sequence[Cells],
    header: Cells = HEADER,
    *,
    separator: str = ",",
    encoding: str = "utf-8",
) -> bytes:
    text = io.StringIO()
    csv.writer(text, delimiter=separator).writerows([header, *table])
    return text.getvalue().encode(encoding)


def xlsx_file(table: Sequence[Cells], header: Cells = HEADER) -> bytes:
    file = io.BytesIO()
    with xlsxwriter.Workbook(file, {"strings_to_formulas": False}) as workbook:
        sheet = workbook.add_worksheet()
        for number, cells in enumerate([header, *table]):
            for place, text in enumerate(cells):
                sheet.write_string(number, place, text)
    return file.getvalue()


def with_entry(workbook: bytes, name: str, content: bytes) -> bytes:
    """The workbook with one entry of its archive replaced."""
    made = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(workbook)) as old,
        zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for entry in old.namelist():
            new.writestr(entry, content if entry == name else old.read(entry))
    return made.getvalue()


def pieces(content: bytes, size: int = 1000) -> Callable[[], Iterator[bytes]]:
    """The content as a stored file gives it: in parts, from its beginning each time."""
    return lambda: (content[at : at + size] for at in range(0, len(content), size))


def read(content: bytes, *, size: int = 1000) -> tuple[Layout, list[list[str]]]:
    """How the file was read, and the cells of its rows."""
    layout = survey(pieces(content, size))
    with opened(pieces(content, size), layout) as (_, found):
        return layout, [list(row.cells) for row in found]
