"""What a print house writes into its files, in our words; what is not whole tells nothing."""

import datetime as dt
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from services.tracking.receipts.contract import Unreadable
from services.tracking.receipts.sftp_manifest import SOURCE, Fetched, Row, Torn, door, read
from services.tracking.receipts.sftp_manifest_form import (
    AnswersForm,
    FileForm,
    Kind,
    Rows,
    read_answers_form,
)
from services.tracking.words import EventWord, Fact
from shared.settings import SettingError
from tests.tracking.receipts.test_ses import some_trust

ROOT = Path(__file__).parents[3]
FORM = ROOT / "deploy/print-house.toml"
PAYLOADS = ROOT / "tests/payloads/sftp_manifest"
FIRST, SECOND = (UUID(f"01a21690-0000-7000-8000-00000000000{n}") for n in (1, 2))
BATCH = "writ-20260601T120000-7f3a"
CHANGED = dt.datetime(2026, 6, 3, 4, 5, tzinfo=dt.UTC)


@pytest.fixture(scope="module")
def answers() -> AnswersForm:
    return read_answers_form(FORM)


def of(answers: AnswersForm, kind: Kind, **changes: Any) -> FileForm:
    [form] = [one for one in answers.answers.files if one.kind is kind]
    return form.model_copy(update=changes)


def a_file(kind: Kind, **changes: Any) -> Fetched:
    content = (PAYLOADS / f"{kind}.csv").read_bytes()
    file = Fetched(f"{kind}_{BATCH}.csv", content, str(content.count(b"\n") - 1), CHANGED)
    return replace(file, **changes)


def facts(rows: list[Row]) -> list[Fact | None]:
    return [row.receipt.fact for row in rows]


def test_an_acknowledgement_tells_of_each_letter_whether_it_was_taken(answers: AnswersForm) -> None:
    rows = read(a_file(Kind.ACK), of(answers, Kind.ACK), answers)

    at = dt.datetime(2026, 6, 1, 15, 40, tzinfo=dt.UTC)
    assert [row.receipt.delivery_id for row in rows] == [FIRST, SECOND]
    assert facts(rows) == [
        Fact(word=EventWord.SENT_PROOF, occurred_at=at, provider_id=f"{BATCH}/{FIRST}"),
        Fact(
            word=EventWord.REJECTED,
            occurred_at=at,
            detail="address_unusable",
            provider_id=f"{BATCH}/{SECOND}",
        ),
    ]


def test_a_despatch_tells_the_day_the_sheets_and_the_class(answers: AnswersForm) -> None:
    [row] = read(a_file(Kind.DESPATCH), of(answers, Kind.DESPATCH), answers)

    assert (row.batch, row.sheets) == (BATCH, 2)
    assert row.receipt.fact == Fact(
        word=EventWord.POSTED,
        # Noon in Berlin: in UTC it is still that day.
        occurred_at=dt.datetime(2026, 6, 2, 10, tzinfo=dt.UTC),
        detail="sheets: 2; class: priority",
        provider_id=f"{BATCH}/{FIRST}",
    )


def test_a_return_tells_why_and_quotes_nobodys_address(answers: AnswersForm) -> None:
    [fact] = facts(read(a_file(Kind.RETURN), of(answers, Kind.RETURN), answers))

    assert fact is not None
    assert (fact.word, fact.detail) == (EventWord.RETURNED, "moved, told by <[address]>")


def test_the_same_file_has_the_same_ids_and_other_rows_have_others(answers: AnswersForm) -> None:
    form = of(answers, Kind.DESPATCH)
    file = a_file(Kind.DESPATCH)
    another = replace(file, content=file.content.replace(b";2;", b";3;"))

    once, again, other = (
        [row.receipt.source_id for row in read(one, form, answers)] for one in (file, file, another)
    )

    assert once == again
    assert once[0].startswith(f"despatch_{BATCH}.csv#1#")
    assert not set(once) & set(other)


@pytest.mark.parametrize("marker", ["2", "", "-1", "two", "9" * 12])
def test_a_file_with_another_number_of_rows_is_torn(marker: str, answers: AnswersForm) -> None:
    with pytest.raises(Torn):
        read(a_file(Kind.DESPATCH, marker=marker), of(answers, Kind.DESPATCH), answers)


@pytest.mark.parametrize(
    ("end", "number"), [("END;1;;;\n", 1), ("END;2;;;\n", None), ("", None), ("END\n", None)]
)
def test_a_last_row_may_say_how_many_there_are(
    end: str, number: int | None, answers: AnswersForm
) -> None:
    file = a_file(Kind.DESPATCH)
    file = replace(file, content=file.content + end.encode(), marker="")
    form = of(answers, Kind.DESPATCH, rows=Rows.TRAILER, trailer="END", done="")

    if number is None:
        with pytest.raises(Torn):
            read(file, form, answers)
    else:
        assert len(read(file, form, answers)) == number


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"content": b"reference;posted\nx;y\n", "marker": "1"}, "no column 'posted_on'"),
        ({"content": b"reference;batch;posted_on;sheets;class\nx\n", "marker": "1"}, "has 1 cells"),
        ({"content": "référence".encode("utf-16"), "marker": "0"}, "UnicodeDecodeError"),
        ({"content": b'"' + b"x" * 200_000, "marker": "1"}, "Error"),
        ({"content": b"", "marker": "0"}, "no column 'reference'"),
    ],
)
def test_a_file_of_another_form_is_not_guessed_at(
    changes: dict[str, Any], why: str, answers: AnswersForm
) -> None:
    with pytest.raises((Unreadable, Torn), match=why):
        read(a_file(Kind.DESPATCH, **changes), of(answers, Kind.DESPATCH), answers)


@pytest.mark.parametrize(
    ("old", "new"), [(b"ACCEPTED", b"SOMETHING"), (b"2026-06-01T15:40:00Z;ACC", b"soon;ACC")]
)
def test_a_row_that_is_not_understood_is_kept_without_a_fact(
    old: bytes, new: bytes, answers: AnswersForm
) -> None:
    file = a_file(Kind.ACK)

    [first, second] = read(
        replace(file, content=file.content.replace(old, new)), of(answers, Kind.ACK), answers
    )

    assert (first.receipt.fact, first.receipt.delivery_id) == (None, FIRST)
    assert second.receipt.fact is not None


def test_a_row_of_no_letter_of_ours_is_kept(answers: AnswersForm) -> None:
    file = a_file(Kind.RETURN)
    content = file.content.replace(str(FIRST).encode(), b"somebody-else")

    [row] = read(replace(file, content=content), of(answers, Kind.RETURN), answers)

    assert row.receipt.delivery_id is None


@pytest.mark.parametrize(
    ("form", "told", "at"),
    [
        ("%d.%m.%Y", b"02.06.2026", dt.datetime(2026, 6, 2, 10, tzinfo=dt.UTC)),
        ("%d.%m.%Y %H:%M", b"02.01.2026 00:30", dt.datetime(2026, 1, 1, 23, 30, tzinfo=dt.UTC)),
        ("", b"2026-06-02T08:00:00", dt.datetime(2026, 6, 2, 6, tzinfo=dt.UTC)),
        ("", b"2026-06-02T08:00:00-05:00", dt.datetime(2026, 6, 2, 13, tzinfo=dt.UTC)),
        ("", b"", CHANGED),
    ],
)
def test_a_time_is_by_the_clock_of_the_house(
    form: str, told: bytes, at: dt.datetime, answers: AnswersForm
) -> None:
    timed = answers.model_copy(
        update={"answers": answers.answers.model_copy(update={"time_form": form})}
    )
    file = a_file(Kind.DESPATCH)

    [fact] = facts(
        read(
            replace(file, content=file.content.replace(b"2026-06-02", told)),
            of(timed, Kind.DESPATCH),
            timed,
        )
    )

    assert fact is not None
    assert fact.occurred_at == at


def test_a_marker_is_no_file_and_an_unknown_name_is_nobodys(answers: AnswersForm) -> None:
    known = answers.of(f"ack_{BATCH}.csv")

    assert known is not None
    assert known.kind is Kind.ACK
    assert answers.of("invoice_1.pdf.done") is None
    assert answers.of("readme.txt") is None


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ('word = "posted"', 'word = "flown"', "word: Input should be"),
        ('word = "posted"', "", "either `word`, or `words`"),
        ('done = "{name}.done"', 'done = "ready"', "must hold {name}"),
        ('at = "posted_on"', 'when = "posted_on"', "columns must hold reference, and none but"),
        ('encoding = "utf-8"', 'encoding = "utf-88"', "is no encoding"),
        ("Europe/Berlin", "Europe/Nowhere", "is no time zone"),
        ("duplex = true", "duplex =", "cannot be read"),
    ],
)
def test_a_fault_in_the_form_is_told(old: str, new: str, fault: str, tmp_path: Path) -> None:
    path = tmp_path / "house.toml"
    assert old in FORM.read_text()
    path.write_text(FORM.read_text().replace(old, new))

    with pytest.raises(SettingError, match=fault):
        read_answers_form(path)


def test_nobody_brings_such_receipts_to_the_door() -> None:
    with pytest.raises(Unreadable):
        door(some_trust())({}, b"reference;at\n")

    assert SOURCE == "sftp_manifest"
