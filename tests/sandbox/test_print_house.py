"""The sandbox's print house prints what is right, and says of the rest what is wrong."""

import csv
import datetime as dt
import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from services.sandbox.print_house import HouseFaults, PrintHouse
from tests.dispatch.providers.house import a_pdf

NOON = dt.datetime(2026, 6, 1, 12, tzinfo=dt.UTC)
HEAD = (
    "reference;file;sha256;pages;class;country;"
    "address1;address2;address3;address4;address5;address6"
)


@pytest.fixture
def house(tmp_path: Path) -> PrintHouse:
    return PrintHouse(tmp_path)


def bring(
    house: PrintHouse,
    name: str = "writ-1",
    *,
    lines: str = "The Office;BELARUS",
    ready: bool = True,
    **changes: str,
) -> Path:
    """A batch with one letter, `letter-1`; `changes` are of its row."""
    folder = house.root / "in" / name
    folder.mkdir()
    pdf = a_pdf(3)
    (folder / "letter-1.pdf").write_bytes(pdf)
    row = {
        "reference": "letter-1",
        "file": "letter-1.pdf",
        "sha256": hashlib.sha256(pdf).hexdigest(),
        "pages": "3",
        "class": "priority",
        "country": "BY",
    } | changes
    manifest = f"{HEAD}\n{';'.join(row.values())};{lines};;;;\n".encode()
    (folder / "manifest.csv").write_bytes(manifest)
    if ready:
        (folder / "READY").write_text(f"{hashlib.sha256(manifest).hexdigest()}  manifest.csv\n")
    return folder


def told(house: PrintHouse, kind: str) -> Iterator[Mapping[str, str]]:
    for file in sorted((house.root / "out").glob(f"{kind}_*.csv")):
        with file.open(newline="") as rows:
            yield from csv.DictReader(rows, delimiter=";")


def test_a_batch_that_is_ready_is_printed_posted_and_invoiced(house: PrintHouse) -> None:
    bring(house)

    assert house.receive(NOON) == ["writ-1"]
    house.post(NOON)
    house.post(NOON)

    assert house.printed() == {"letter-1": 1}
    assert [row["status"] for row in told(house, "ack")] == ["ACCEPTED"]
    assert [row["sheets"] for row in told(house, "despatch")] == ["2"]
    assert [row["net"] for row in told(house, "invoice")] == ["190"]
    assert (house.root / "out/ack_writ-1.csv.done").read_text() == "1"


def test_a_batch_without_its_marker_is_not_looked_at(house: PrintHouse) -> None:
    bring(house, ready=False)

    assert house.receive(NOON) == []
    assert house.printed() == {}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"sha256": "0" * 64}, "sha256_mismatch"),
        ({"pages": "2"}, "pages_mismatch"),
        ({"file": "letter-2.pdf"}, "file_missing"),
        ({"lines": "REJECTED;BELARUS"}, "address_unusable"),
    ],
)
def test_a_letter_that_is_wrong_is_not_printed(
    changes: dict[str, str], reason: str, house: PrintHouse
) -> None:
    bring(house, **changes)  # type: ignore[arg-type]

    house.receive(NOON)
    house.post(NOON)

    assert [(row["status"], row["reason"]) for row in told(house, "ack")] == [("REJECTED", reason)]
    assert house.printed() == {}
    assert list(told(house, "despatch")) == []


def test_what_is_no_pdf_is_not_printed(house: PrintHouse) -> None:
    broken = b"%PDF-1.7 and no more"
    folder = bring(house, sha256=hashlib.sha256(broken).hexdigest())
    (folder / "letter-1.pdf").write_bytes(broken)

    house.receive(NOON)

    assert [row["reason"] for row in told(house, "ack")] == ["pdf_unreadable"]


def test_a_batch_whose_manifest_is_torn_is_refused_as_a_whole(house: PrintHouse) -> None:
    folder = bring(house)
    (folder / "manifest.csv").write_text(HEAD)

    house.receive(NOON)

    [row] = told(house, "ack")
    assert (row["reference"], row["reason"]) == ("", "manifest_torn")


@pytest.mark.parametrize(
    ("name", "reason"), [("a name of theirs", "name_unusable"), ("writ-1", "manifest_missing")]
)
def test_a_batch_that_it_cannot_use_is_refused_as_a_whole(
    name: str, reason: str, house: PrintHouse
) -> None:
    (bring(house, name) / "manifest.csv").unlink()

    house.receive(NOON)

    assert [row["reason"] for row in told(house, "ack")] == [reason]


def test_a_batch_that_comes_a_second_time_is_noticed(house: PrintHouse) -> None:
    bring(house)
    house.receive(NOON)
    bring(house)

    with pytest.raises(RuntimeError, match="came a second time"):
        house.receive(NOON)


def test_what_cannot_arrive_is_back(house: PrintHouse) -> None:
    bring(house, lines="RETURNED;BELARUS")
    house.receive(NOON)

    house.post(NOON)

    assert [row["reason"] for row in told(house, "return")] == ["addressee_unknown"]


@pytest.mark.parametrize(
    ("fault", "at_first"),
    [("silent", (0, 0)), ("late", (0, 0)), ("torn", (1, 0)), ("short", (1, 1)), ("twice", (1, 1))],
)
def test_a_fault_strikes_one_file(fault: str, at_first: tuple[int, int], house: PrintHouse) -> None:
    house.faults = HouseFaults(**{fault: 1})
    bring(house)

    house.receive(NOON)
    out = house.root / "out"
    there = len(list(out.glob("*.csv"))), len(list(out.glob("*.done")))
    house.deliver_late()

    assert there == at_first
    assert len(list(told(house, "ack"))) == (0 if fault == "silent" else 1)
    assert house.faults == HouseFaults()
