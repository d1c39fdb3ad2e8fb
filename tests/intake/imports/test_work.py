"""The steward's work on files: in slices, by several, over errors and the day's limit."""

import datetime as dt
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Connection, func, select, update
from sqlalchemy.exc import OperationalError

from services.intake.accept import Action
from services.intake.clients.manage import Terms, create_client, revoke_client
from services.intake.imports.desk import CHUNK
from services.intake.imports.keeping import Import, find
from services.intake.imports.run import run
from services.intake.imports.unreadable import FileFault
from services.intake.imports.work import SLICE_S, Importer
from services.intake.packs.load import load_entries
from services.intake.take import Taker
from shared.api_keys import Mode, Scope
from shared.tables.intake import actions, api_clients
from shared.tables.writing_events import import_parts, imports
from tests.intake.builders import NOON, a_case, a_pack, a_policy
from tests.intake.imports.files import a_row, csv_file, rows, xlsx_file
from tests.intake.imports.world import World

ONE_CHUNK, TO_THE_END = -1.0, float("inf")  # until when, on the desk's timer


def hurried(world: World) -> Importer:
    """One whose slices are over after a chunk."""
    times = iter(range(0, 10**6, int(SLICE_S) + 1))
    return Importer(replace(world.importer.desk, timer=lambda: float(next(times))))


def look(world: World, one: Any) -> Import:
    with world.intake.database.read() as connection:
        return next(find(connection, select(imports).where(imports.c.id == UUID(one["id"]))))


def each_row_once(world: World, number: int) -> bool:
    with world.intake.database.read() as connection:
        taken = connection.execute(select(actions.c.import_row)).scalars().all()
    return sorted(taken) == list(range(2, number + 2))


@dataclass(frozen=True, slots=True, kw_only=True)
class Stumbling(Taker):
    """Falls after its work was done, before it is committed, as often as it is told."""

    falls: list[Exception] = field(default_factory=list)

    def take(self, connection: Connection, accepted: Any, **more: Any) -> list[Action]:
        taken = Taker.take(self, connection, accepted, **more)
        if self.falls:
            raise self.falls.pop()
        return taken


def stumbling(world: World, *falls: Exception) -> Importer:
    desk = world.importer.desk
    taker = desk.taker
    made = Stumbling(
        catalogue=taker.catalogue,
        identity_key=taker.identity_key,
        confirmations=taker.confirmations,
        clock=taker.clock,
        falls=list(falls),
    )
    return Importer(replace(desk, taker=made))


@pytest.mark.parametrize("make", [csv_file, xlsx_file])
def test_a_file_is_done_in_slices_by_whoever_comes(either: World, make: Any) -> None:
    path = either.sent(make(rows(3 * CHUNK + 1)))
    slices = 0

    while hurried(either).work(NOON):
        slices += 1
    checked = either.get(path)
    either.started(checked)
    while hurried(either).work(NOON):
        slices += 1

    assert slices >= 6
    assert either.get(path)["state"] == "done"
    assert each_row_once(either, 3 * CHUNK + 1)


def test_a_chunk_that_fell_before_it_was_committed_is_taken_again(either: World) -> None:
    checked = either.checked(csv_file(rows(CHUNK + 5)))
    either.started(checked)
    away = OperationalError("", None, ConnectionError())

    with pytest.raises(OperationalError):
        stumbling(either, away).work(NOON)
    before = either.stored()
    either.work()

    assert before == 0
    assert each_row_once(either, CHUNK + 5)


def test_of_two_at_the_same_chunk_the_second_finds_it_taken(either: World) -> None:
    checked = either.checked(csv_file(rows(2 * CHUNK)))
    either.started(checked)
    seen_by_both, desk = look(either, checked), either.importer.desk

    first = run(desk, seen_by_both, ONE_CHUNK)
    second = run(desk, seen_by_both, TO_THE_END)
    stored = either.stored()
    either.work()

    assert (first, second, stored) == (True, False, CHUNK)
    assert each_row_once(either, 2 * CHUNK)


def test_who_comes_when_all_is_done_changes_nothing(world: World) -> None:
    checked = world.checked(csv_file(rows(3)))
    world.started(checked)
    late = look(world, checked)
    world.work()

    with pytest.raises(FileFault):
        run(world.importer.desk, late, TO_THE_END)
    world.importer.advance(late.id)

    assert world.get(checked["links"]["self"])["state"] == "done"


def test_an_error_of_ours_ends_the_import_and_says_so(world: World) -> None:
    checked = world.checked(csv_file(rows(3)))
    world.started(checked)

    with pytest.raises(ZeroDivisionError):
        stumbling(world, ZeroDivisionError()).work(NOON)

    failed = world.get(checked["links"]["self"])
    assert (failed["state"], world.stored()) == ("failed", 0)
    assert "our side" in failed["fault"]


def test_a_small_file_overtakes_a_large_one(world: World) -> None:
    large = world.sent(csv_file(rows(3 * CHUNK)))
    hurried(world).work(NOON)
    small = world.sent(csv_file(rows(2)))

    for _ in range(2):
        hurried(world).work(NOON)

    assert world.get(small)["state"] == "ready"
    assert world.get(large)["state"] == "checking"


def test_the_days_limit_lets_the_rest_wait_for_the_next(world: World) -> None:
    world.intake.known = create_client(
        world.intake.database,
        "b",
        mode=Mode.LIVE,
        scopes=[Scope.SUBMIT],
        terms=Terms(daily_actions=4),
        clock=world.intake.clock,
    )
    checked = world.checked(csv_file(rows(6)))
    world.started(checked)

    world.work()
    today = world.stored()
    world.intake.clock.at += dt.timedelta(days=1)
    world.work()

    assert (today, world.stored()) == (4, 6)
    assert world.get(checked["links"]["self"])["state"] == "done"


def test_one_that_waits_keeps_no_other_from_its_turn(world: World) -> None:
    patient = world.checked(csv_file(rows(3)))
    world.started(patient)
    with world.intake.database.begin() as connection:
        connection.execute(update(api_clients).values(daily_actions=2))
    world.work()

    other = world.checked(csv_file([a_row(9)]))

    assert world.get(patient["links"]["self"])["state"] == "running"
    assert other["state"] == "ready"


def test_an_import_ends_with_its_client(world: World) -> None:
    path = world.sent(csv_file(rows(3)))
    revoke_client(world.intake.database, world.intake.known.id)

    world.work()

    with world.intake.database.read() as connection:
        row = connection.execute(select(imports.c.state, imports.c.fault)).one()
    assert (row.state, "ended" in row.fault) == ("failed", True)
    assert path


def test_where_all_rows_were_wanted_one_that_turned_bad_ends_the_import(world: World) -> None:
    checked = world.checked(csv_file(rows(3)))
    stop_the_case(world)

    done = world.done(checked)

    assert (done["state"], world.stored()) == ("failed", 0)
    assert done["fault"].startswith("Row 2: The row was good when it was checked")
    assert world.faults(checked) == [(2, None, "turned_bad")]


def test_where_the_good_ones_were_wanted_what_turned_bad_is_left_out(world: World) -> None:
    checked = world.checked(csv_file(rows(3)))
    stop_the_case(world)

    done = world.done(checked, "good")

    assert (done["state"], done["accepted"], done["bad"]) == ("done", 0, 3)


def stop_the_case(world: World) -> None:
    load_entries(world.intake.database, "test", a_pack(a_case(policy=a_policy(stopped=True))))


def test_a_file_that_nobody_started_is_forgotten_after_a_week(world: World) -> None:
    checked = world.checked(csv_file(rows(3)))

    world.importer.give_up(NOON + dt.timedelta(days=6))
    waiting = world.get(checked["links"]["self"])["state"]
    world.importer.give_up(NOON + dt.timedelta(days=8))
    after = world.get(checked["links"]["self"])

    assert (waiting, after["state"]) == ("ready", "cancelled")
    assert after["fault"] == "Nobody started it within 7 days."
    assert parts(world) == 0


def test_a_file_that_broke_off_with_its_process_is_forgotten(world: World) -> None:
    world.sent(csv_file(rows(3)))
    put(world, state="receiving")

    world.importer.give_up(NOON + dt.timedelta(hours=2))

    assert parts(world) == 0


def test_how_fast_it_goes_and_how_long_it_takes_are_told(world: World) -> None:
    checked = world.checked(csv_file(rows(3 * CHUNK)))
    world.started(checked)
    world.intake.clock.at += dt.timedelta(seconds=5)

    hurried(world).work(NOON)
    running = world.get(checked["links"]["self"])

    assert (running["state"], running["done"]) == ("running", CHUNK)
    assert running["percentage"] == 33.3
    assert running["rows_per_s"] == 100.0
    assert running["remaining_s"] == 10


def put(world: World, **values: Any) -> None:
    with world.intake.database.begin() as connection:
        connection.execute(update(imports).values(**values))


def parts(world: World) -> int:
    with world.intake.database.read() as connection:
        return connection.scalar(select(func.count()).select_from(import_parts)) or 0
