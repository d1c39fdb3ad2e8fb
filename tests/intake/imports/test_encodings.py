"""The encoding is proven where it can be, and guessed where it cannot."""

import codecs
import contextlib

import pytest

from services.intake.imports.encodings import ENCODINGS, detect_encoding
from services.intake.imports.reading import opened, survey
from services.intake.imports.unreadable import FileFault
from tests.intake.imports.files import a_row, csv_file, pieces, read

LETTERS = {
    "cp1252": [
        "Zoé Lefèvre;J'écris ces lignes de loin, et je n'oublie pas.",
        "Iñaki Muñoz;Escribo estas líneas desde muy lejos",
        "Jürgen Müller;Köln – “5 €”",
        "Søren Åberg;Malmö",
        "João Conceição;São Paulo",
    ],
    "cp1250": ["Łukasz Wójcik;Zażółć gęślą jaźń", "Lenka Růžičková;Plzeň;Píšu z daleka, Jiří"],
    "cp1251": ["Оксана Шевчук;Я пишу эти строки издалека", "Имя;Страна\nПётр Иванов;Россия"],
    "cp1256": ["سلمى العلوي;أكتب هذه السطور من بعيد"],
    "cp1253": ["Ελένη Παππάς;Γράφω από μακριά"],
    "cp932": ["佐藤花子;遠くからこの手紙を書いています"],
    "gb18030": ["张展;我在远方写下这几行字，我没有忘记。"],
    "cp949": ["김민수;멀리서 이 편지를 씁니다"],
    "cp874": ["สมชาย ใจดี;ฉันเขียนจดหมายนี้จากแดนไกล"],
}
WRITTEN = [(encoding, text) for encoding, texts in LETTERS.items() for text in texts]


@pytest.mark.parametrize(("encoding", "text"), WRITTEN)
def test_a_code_page_is_told_by_its_letters(encoding: str, text: str) -> None:
    content = f"name;words\n{text}\n".encode(encoding)

    found = detect_encoding(pieces(content)())

    assert content.decode(found) == f"name;words\n{text}\n"


@pytest.mark.parametrize(
    ("mark", "encoding"),
    [
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
        (b"", "utf-16-le"),
        (b"", "utf-16-be"),
        (b"", "utf-8"),
    ],
)
def test_unicode_is_told_with_and_without_its_mark(mark: bytes, encoding: str) -> None:
    table = [a_row(Name="Zoë Ångström"), a_row(Name="Иван")]

    layout, found = read(mark + csv_file(table, encoding=encoding))

    assert found == table
    assert layout.header[0] == "Name"


def test_a_letter_far_down_decides_too() -> None:
    table = [a_row(number) for number in range(3_000)] + [a_row(Name="Jürgen")]

    layout, found = read(csv_file(table, encoding="cp1252"), size=4096)

    assert layout.encoding == "cp1252"
    assert found[-1][0] == "Jürgen"


def test_a_single_row_in_another_encoding_does_not_make_the_file_one() -> None:
    utf8 = csv_file([a_row(Name="Zoë"), a_row(Name="Jürgen")])
    other = csv_file([a_row(Name="Käthe")], encoding="cp1252").split(b"\r\n", 1)[1]

    layout, found = read(utf8 + other)

    assert layout.encoding == "utf-8"
    assert [row[0] for row in found] == ["Zoë", "Jürgen", "K\ufffdthe"]


@pytest.mark.parametrize("really", ["utf-16", "utf-16-le", "utf-16-be"])
def test_a_named_utf16_needs_no_mark(really: str) -> None:
    content = csv_file([a_row()], encoding=really)

    layout = survey(pieces(content), encoding="utf-16")

    with opened(pieces(content), layout) as (_, rows):
        assert [row.cells for row in rows] == [a_row()]


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("content", [b"\xff", b"a,b\n1,2\n", bytes(range(256)), b"\x81\n\xff\n"])
def test_a_wrongly_named_encoding_is_no_fault_of_ours(encoding: str, content: bytes) -> None:
    with contextlib.suppress(FileFault):
        layout = survey(pieces(content), encoding=encoding)
        with opened(pieces(content), layout) as (_, rows):
            assert len(list(rows)) == layout.rows
