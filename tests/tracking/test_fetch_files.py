"""What the house writes is taken in once each, from a real OpenSSH server, and only then moved."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select
from sqlalchemy.exc import OperationalError
from structlog.testing import capture_logs

from services.dispatch.providers.contract import Letter
from services.tracking.fetch_files import INVOICES, Done, FileFetcher
from services.tracking.receipts.contract import Receipt
from services.tracking.receipts.sftp_manifest import SOURCE
from services.tracking.receipts.sftp_manifest_form import AnswersForm, read_answers_form
from services.tracking.record import Recorded
from services.tracking.take import Taker
from services.tracking.words import ShownState
from shared.catalogue_reader import CatalogueReader
from shared.clock import new_id
from shared.database import Database
from shared.sftp import Line, LineFault, Refused
from shared.tables.dispatch import print_orders
from shared.tables.tracking import events, outcomes, receipts
from tests.dispatch.providers.house import (
    AT_THE_CUT_OFF,
    FORM,
    Breaks,
    Road,
    a_letter,
    a_road,
    open_frail,
)
from tests.servers import PrivateSshd
from tests.tracking.builders import a_delivery, noon
from tests.tracking.test_record import count

POSTED_AT = AT_THE_CUT_OFF + dt.timedelta(days=1)


@dataclass
class World:
    road: Road
    database: Database

    def fetcher(self, breaks: Breaks | None = None) -> FileFetcher:
        partner = self.road.sshd.partner
        return FileFetcher(
            form=answers_form(self.road.folder),
            open_line=lambda: open_frail(partner, breaks or Breaks(0, after=False)),
            database=self.database,
            taker=a_taker(self.database),
            data_dir=self.road.data_dir,
        )

    def fetch(self) -> Done:
        return self.fetcher().fetch()

    def sent(self, letters: Sequence[Letter]) -> str:
        """Ordered, recorded as dispatch does, and at the house; the batch's name."""
        for letter in letters:
            taken = self.road.provider().order(letter)
            with self.database.begin() as connection:
                record_order(connection, letter, taken.provider_id)
        [batch] = self.road.sender().send_due(AT_THE_CUT_OFF).batches
        return batch

    def state(self, letter: Letter) -> str | None:
        query = select(outcomes.c.state).where(outcomes.c.delivery_id == letter.delivery_id)
        with self.database.read() as connection:
            return connection.scalar(query)

    def details(self) -> list[str | None]:
        query = select(events.c.detail).order_by(events.c.occurred_at)
        with self.database.read() as connection:
            return list(connection.scalars(query))

    def out(self) -> list[str]:
        there = (self.road.house.root / "out").iterdir()
        return sorted(one.name for one in there if one.is_file())


@pytest.fixture
def world(sshd: PrivateSshd, tmp_path: Path, small_database: Database) -> World:
    return World(a_road(sshd, tmp_path), small_database)


@pytest.fixture
def world_on_each_engine(sshd: PrivateSshd, tmp_path: Path, database: Database) -> World:
    return World(a_road(sshd, tmp_path), database)


def answers_form(folder: str) -> AnswersForm:
    form = read_answers_form(FORM)
    places = {"folder": f"{folder}/out", "taken": f"{folder}/out/taken"}
    return form.model_copy(update={"answers": form.answers.model_copy(update=places)})


def a_taker(database: Database) -> Taker:
    return Taker(database=database, catalogue=CatalogueReader(database), clock=noon)


def record_order(connection: Any, letter: Letter, order_id: str) -> None:
    a_delivery(
        connection,
        id=letter.delivery_id,
        channel="letter",
        provider=SOURCE,
        provider_id=order_id,
    )
    row = {
        "id": new_id(),
        "delivery_id": letter.delivery_id,
        "vendor": SOURCE,
        "vendor_order_id": order_id,
        "pages": letter.pages,
        "ordered_at": noon(),
    }
    connection.execute(insert(print_orders).values(row))


def three() -> list[Letter]:
    """One that arrives, one that comes back, one that is not printed."""
    return [
        a_letter(pages=3),
        a_letter(lines=("RETURNED", "BELARUS")),
        a_letter(lines=("REJECTED", "BELARUS")),
    ]


def test_what_became_of_each_letter_is_known_from_the_files(world_on_each_engine: World) -> None:
    world = world_on_each_engine
    letters = three()
    world.sent(letters)
    world.road.house.receive(AT_THE_CUT_OFF)
    assert world.fetch().rows == {Recorded.FACT: 3}
    told = [world.state(letter) for letter in letters]

    world.road.house.post(POSTED_AT)
    done = world.fetch()

    assert told == [ShownState.HANDED_OVER, ShownState.HANDED_OVER, ShownState.REFUSED]
    assert done.rows == {Recorded.FACT: 3}
    assert [world.state(letter) for letter in letters] == [
        ShownState.POSTED,
        ShownState.RETURNED,
        ShownState.REFUSED,
    ]
    assert "sheets: 2; class: priority" in world.details()
    assert world.out() == []


def test_nothing_there_is_no_fault(world: World) -> None:
    assert world.fetch() == Done()


def test_an_invoice_is_kept_for_finance_and_listed(world: World) -> None:
    batch = world.sent(three())
    world.road.house.receive(AT_THE_CUT_OFF)
    world.road.house.post(POSTED_AT)

    [path] = world.fetch().invoices

    assert path == f"{INVOICES}/invoice_{batch}.csv"
    assert "letters" in (world.road.data_dir / path).read_text()
    kept = select(receipts.c.source_id).where(receipts.c.delivery_id.is_(None))
    with world.database.read() as connection:
        [listed] = connection.scalars(kept)
    assert listed.startswith(f"invoice_{batch}.csv#")


def test_another_invoice_of_the_same_name_does_not_take_its_place(world: World) -> None:
    out = world.road.house.root / "out"
    paths = []
    for content in ("first", "first", "second"):
        (out / "invoice_1.csv").write_text(content)
        (out / "invoice_1.csv.done").write_text("1")
        paths += world.fetch().invoices

    assert [(world.road.data_dir / path).read_text() for path in paths] == [
        "first",
        "first",
        "second",
    ]
    assert len(set(paths)) == 2


def test_the_same_file_twice_changes_nothing(world: World) -> None:
    letters = three()
    world.sent(letters)
    world.road.house.faults.twice = 1
    world.road.house.receive(AT_THE_CUT_OFF)
    world.fetch()
    before = count(world.database, events)

    world.road.house.deliver_late()
    done = world.fetch()

    assert (done.files, done.rows) == (1, {Recorded.REPEATED: 3})
    assert count(world.database, events) == before


@pytest.mark.parametrize("fault", ["late", "torn", "short"])
def test_a_file_that_is_not_whole_waits_until_it_is(fault: str, world: World) -> None:
    letters = three()
    world.sent(letters)
    setattr(world.road.house.faults, fault, 1)
    world.road.house.receive(AT_THE_CUT_OFF)

    first = world.fetch()
    world.road.house.deliver_late()
    second = world.fetch()

    assert (first.files, len(first.waiting)) == (0, 0 if fault == "late" else 1)
    assert (second.files, second.rows) == (1, {Recorded.FACT: 3})
    assert count(world.database, receipts) == 3


def test_a_house_that_says_nothing_leaves_the_letters_handed_over(world: World) -> None:
    letters = three()
    world.sent(letters)
    world.road.house.faults.silent = 9
    world.road.house.receive(AT_THE_CUT_OFF)
    world.road.house.post(POSTED_AT)

    assert world.fetch() == Done()
    assert [world.state(letter) for letter in letters] == [None] * 3
    assert sum(world.road.house.printed().values()) == 2


def test_sheets_that_the_house_counts_otherwise_are_told(
    world: World,
) -> None:
    letter = a_letter(pages=5)
    world.sent([letter])
    world.road.house.receive(AT_THE_CUT_OFF)
    world.road.house.post(POSTED_AT)
    out = world.road.house.root / "out"
    [despatch] = out.glob("despatch_*.csv")
    despatch.write_text(despatch.read_text().replace(";3;", ";4;"))

    with capture_logs() as said:
        world.fetch()

    assert "sheets: theirs 4, ours 3; sheets: 4; class: priority" in world.details()
    assert "sheets_differ" in {line["event"] for line in said}


def test_a_batch_of_which_the_house_counts_fewer_letters_is_told(
    world_on_each_engine: World,
) -> None:
    world = world_on_each_engine
    world.sent(three())
    world.road.house.receive(AT_THE_CUT_OFF)
    out = world.road.house.root / "out"
    [ack] = out.glob("ack_*.csv")
    ack.write_text("\n".join(ack.read_text().splitlines()[:-1]) + "\n")
    (out / f"{ack.name}.done").write_text("2")

    with capture_logs() as said:
        world.fetch()

    assert world.details() == ["letters of the batch: theirs 2, ours 3"] * 2
    assert "batch_count_differs" in {line["event"] for line in said}


def test_a_file_of_another_form_stays_and_stops_no_other(world: World) -> None:
    world.sent(three())
    world.road.house.receive(AT_THE_CUT_OFF)
    out = world.road.house.root / "out"
    (out / "ack_0.csv").write_text("brief;status\n1;ok\n")
    (out / "ack_0.csv.done").write_text("1")

    done = world.fetch()

    assert (done.left, done.files) == (["ack_0.csv"], 1)
    assert world.out() == ["ack_0.csv", "ack_0.csv.done"]


@pytest.mark.parametrize("refused", ["read", "replace"])
def test_a_file_that_the_house_does_not_give_stays_and_stops_no_other(
    refused: str, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    letters = three()
    world.sent(letters)
    world.road.house.receive(AT_THE_CUT_OFF)
    out, asked = world.road.house.root / "out", getattr(Line, refused)
    [ack] = [one.name for one in out.glob("ack_*.csv")]
    (out / "ack_0.csv").write_text((out / ack).read_text())
    (out / "ack_0.csv.done").write_text((out / f"{ack}.done").read_text())

    def ask(line: Line, path: str, *rest: object, **named: object) -> object:
        if path.endswith("/ack_0.csv"):
            raise Refused("it answered SFTPPermissionDenied")
        return asked(line, path, *rest, **named)

    monkeypatch.setattr(Line, refused, ask)
    done = world.fetch()

    assert (done.left, done.files) == (["ack_0.csv"], 1)
    assert all(world.state(letter) for letter in letters)
    assert world.out() == ["ack_0.csv", "ack_0.csv.done"]


@pytest.mark.parametrize("name", ["notes.txt", ".hidden", "ack_\n.csv", "ack_ä.csv"])
def test_a_file_that_nobody_told_us_of_is_left_alone(name: str, world: World) -> None:
    out = world.road.house.root / "out"
    (out / name).write_text("reference\n")
    (out / f"{name}.done").write_text("0")

    assert world.fetch().files == 0

    assert (out / name).exists()


def calls_of(world: World) -> int:
    breaks = Breaks(0, after=False)
    world.fetcher(breaks).fetch()
    return breaks.calls


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("at", range(1, 9))
def test_a_line_that_is_lost_at_any_step_loses_and_doubles_nothing(
    at: int, after: bool, world: World
) -> None:
    letters = three()
    world.sent(letters)
    world.road.house.receive(AT_THE_CUT_OFF)
    with pytest.raises(LineFault):
        world.fetcher(Breaks(at, after=after)).fetch()

    world.fetch()

    assert count(world.database, events) == 3
    assert world.out() == []
    assert calls_of(world) == 1  # there is nothing left to do


class AwayTaker:
    """The database is away."""

    def take(self, given: Sequence[Receipt]) -> list[Recorded | None]:
        raise OperationalError("INSERT", {}, Exception("gone"))


def test_while_the_database_is_away_the_files_stay(world: World) -> None:
    world.sent(three())
    world.road.house.receive(AT_THE_CUT_OFF)
    before = world.out()

    with pytest.raises(OperationalError):
        replace(world.fetcher(), taker=AwayTaker()).fetch()  # type: ignore[arg-type]

    assert world.out() == before
    assert world.fetch().rows == {Recorded.FACT: 3}


def test_where_the_house_wants_it_what_was_taken_is_deleted(world: World) -> None:
    world.sent(three())
    world.road.house.receive(AT_THE_CUT_OFF)
    fetcher = world.fetcher()
    answers = fetcher.form.answers.model_copy(update={"taken": ""})

    replace(fetcher, form=fetcher.form.model_copy(update={"answers": answers})).fetch()

    assert world.out() == []
    assert list((world.road.house.root / "out/taken").iterdir()) == []
