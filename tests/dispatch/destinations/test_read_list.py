"""A list of limits is read whole, or every fault of it is told by row and column."""

import datetime as dt

import pytest

from services.dispatch.destinations.limits import Rule
from services.dispatch.destinations.read_list import Fault, ListFaults, read_list
from shared.tables.routes import LimitKind, Product

HEAD = "country,region,vendor,product,kind,starts,ends,reason,source,noted_by\n"
GOOD = "IR,,,,suspended,2026-03-01,,No flights,https://post.example/1,\n"


def rules(text: str) -> list[Rule]:
    return read_list(text.encode(), noted_by="operator ada")


def faults(text: str | bytes) -> list[tuple[int, str, str]]:
    content = text if isinstance(text, bytes) else text.encode()
    with pytest.raises(ListFaults) as found:
        read_list(content, noted_by="operator ada")
    return [(one.row, one.column, one.what) for one in found.value.faults]


def test_a_list_is_read_as_it_was_written() -> None:
    row = "ua,UA-43,lob,parcel,Restricted,2026-03-01,2026-12-31,OFAC,https://ofac.example/x,lea\n"

    first, second = rules(HEAD + GOOD + ",,,\n" + row)

    assert (first.country, first.vendor, first.ends, first.noted_by) == (
        *("IR", None, None),
        "operator ada",
    )
    assert second == Rule(
        country="UA",
        region="43",
        vendor="lob",
        product=Product.PARCEL,
        kind=LimitKind.RESTRICTED,
        starts=dt.date(2026, 3, 1),
        ends=dt.date(2026, 12, 31),
        reason="OFAC",
        source="https://ofac.example/x",
        noted_by="somebody else, which makes it no other rule",
    )
    assert second.noted_by == "lea"


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_table_program_may_separate_as_it_likes(separator: str) -> None:
    text = "\ufeffCountry,Kind,Starts,Reason,Source\r\nIR,suspended,2026-03-01,War,http://a.example\r\n"

    [rule] = rules(text.replace(",", separator))

    assert (rule.country, rule.reason) == ("IR", "War")


def test_an_empty_list_lifts_everything() -> None:
    assert rules(HEAD) == []


@pytest.mark.parametrize(
    ("column", "said", "told"),
    [
        ("country", "XX", "'XX' is no country"),
        ("country", "", "'' is no country"),
        ("region", "Crimea", "'Crimea' is no region"),
        ("vendor", "lobb", "no provider is called 'lobb'"),
        ("product", "letters", "'letters' is none of letter, postcard, parcel"),
        ("kind", "forbidden", "'forbidden' is none of suspended, restricted"),
        ("kind", "", "'' is none of"),
        ("starts", "1.3.2026", "'1.3.2026' is no day: write 2026-03-01"),
        ("starts", "", "'' is no day"),
        ("ends", "2026-02-28", "lies before `starts`"),
        ("reason", "", "is empty"),
        ("reason", "x" * 1001, "more than 1000 characters"),
        ("source", "a letter of the post", "is no address of a page"),
        ("source", "", "is no address of a page"),
    ],
)
def test_a_fault_is_told_by_row_and_column(column: str, said: str, told: str) -> None:
    head = HEAD.strip().split(",")
    cells = dict(zip(head, GOOD.strip().split(","), strict=True)) | {column: said}

    [(row, where, what)] = faults(HEAD + GOOD + ",".join(cells.values()))

    assert (row, where) == (3, column)
    assert told in what


def test_all_faults_are_told_at_once() -> None:
    text = HEAD + "XX,,,,nothing,2026-03-01,,a,https://b.example,\n" + GOOD + GOOD

    assert [(row, column) for row, column, _ in faults(text)] == [
        (2, "country"),
        (2, "kind"),
        (4, "·"),
    ]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", (1, "country", "the column is missing")),
        ("country,land\n", (1, "kind", "the column is missing")),
        (HEAD.replace("ends", "until"), (1, "until", "unknown; the columns are")),
        (HEAD.replace("ends", "starts"), (1, "starts", "stands in the head twice")),
        (HEAD + GOOD.strip() + ",more", (2, "·", "more cells than the head has columns")),
        (HEAD.encode() + b"IR,\xff", (2, "·", "not UTF-8")),
        (HEAD + 'IR,"' + "\n" * 3, (2, "kind", "'' is none of")),
    ],
)
def test_a_file_that_is_no_list_says_why(text: str | bytes, fault: tuple[int, str, str]) -> None:
    row, column, what = fault

    assert any((r, c) == (row, column) and what in w for r, c, w in faults(text))


def test_a_cell_that_never_ends_is_no_csv() -> None:
    [(row, _, what)] = faults(HEAD + '"' + "x" * 200_000)

    assert row == 1
    assert "not a CSV file" in what


def test_faults_stand_in_the_order_of_the_file() -> None:
    assert ListFaults([Fault(3, "a", "x"), Fault(2, "b", "y")]).faults[0].row == 2
