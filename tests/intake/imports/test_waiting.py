"""Imports that wait, end late or not at all, and looks at files that wait for one another."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import func, select, update

from services.intake.imports.keeping import ImportState, find, move
from services.intake.imports.preview import BUSY, OneLook
from services.intake.imports.run import run
from services.intake.imports.work import Importer
from shared.catalogue import Catalogue
from shared.http.problems import Problem
from shared.tables.intake import actions, api_clients
from shared.tables.writing_events import import_parts, imports
from tests.intake.builders import NOON, a_campaign, a_pack
from tests.intake.imports.files import csv_file, rows
from tests.intake.imports.world import World

DAY = dt.timedelta(days=1)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    campaign = a_campaign(closes=NOON.date())
    world = World.start(f"sqlite:///{tmp_path / 'writ.db'}", a_pack(campaign=campaign))
    yield world
    world.intake.database.close()


def capped(world: World, daily: int) -> None:
    with world.intake.database.begin() as connection:
        connection.execute(update(api_clients).values(daily_actions=daily))


def catalogue_asked(world: World) -> tuple[Importer, list[int]]:
    """One that tells how often it opened a file: it asks for the catalogue just before."""
    asked: list[int] = []
    taker = world.importer.desk.taker

    def catalogue() -> Catalogue:
        asked.append(1)
        return taker.catalogue()

    made = replace(taker, catalogue=catalogue)
    return Importer(replace(world.importer.desk, taker=made)), asked


def test_one_that_waits_for_its_clients_next_day_is_not_opened_before(world: World) -> None:
    checked = world.checked(csv_file(rows(4)))
    world.started(checked, "all")
    capped(world, 3)
    importer, opened = catalogue_asked(world)

    for _ in range(5):
        importer.work(NOON)
    today, stored_today = len(opened), world.stored()
    world.intake.clock.at += DAY
    importer.work(NOON)

    assert (today, stored_today) == (1, 3)
    assert world.get(checked["links"]["self"])["state"] == "done"


def test_rows_that_somebody_else_took_are_put_back_to_the_day(world: World) -> None:
    checked = world.checked(csv_file(rows(3)))
    world.started(checked)
    capped(world, 100)
    with world.intake.database.read() as connection:
        seen = next(find(connection, select(imports)))
    with world.intake.database.begin() as connection:
        move(connection, seen, state=ImportState.CANCELLED)
    desk = world.importer.desk

    went_on = run(desk, seen, float("inf"))
    client = desk.client(seen)

    assert (went_on, world.stored()) == (False, 0)
    assert 'actions";r=100;' in desk.limits.headers(client)["RateLimit"]


@pytest.mark.parametrize(("wanted", "stored"), [("all", 3), ("good", 0)])
def test_where_all_rows_are_wanted_a_file_started_in_time_ends(
    wanted: str, stored: int, world: World
) -> None:
    checked = world.checked(csv_file(rows(3)))
    world.started(checked, wanted)
    world.intake.clock.at += DAY

    world.work()

    assert world.get(checked["links"]["self"])["state"] == "done"
    assert world.stored() == stored
    with world.intake.database.read() as connection:
        accepted_at = set(connection.scalars(select(actions.c.accepted_at)))
    assert accepted_at <= {NOON + DAY}


@pytest.mark.parametrize("state", ["checking", "running"])
def test_an_import_that_stands_still_for_a_week_ends_and_its_file_is_gone(
    state: str, world: World
) -> None:
    checked = world.checked(csv_file(rows(3)))
    with world.intake.database.begin() as connection:
        connection.execute(update(imports).values(state=state))

    world.importer.give_up(NOON + 6 * DAY)
    waiting = world.get(checked["links"]["self"])["state"]
    world.importer.give_up(NOON + 8 * DAY)
    after = world.get(checked["links"]["self"])

    assert (waiting, after["state"]) == (state, "failed")
    assert after["fault"].startswith("It had not gone on for 7 days")
    with world.intake.database.read() as connection:
        assert connection.scalar(select(func.count()).select_from(import_parts)) == 0


def test_an_import_of_many_days_that_moves_goes_on(world: World) -> None:
    checked = world.checked(csv_file(rows(4)))
    world.started(checked)
    capped(world, 2)
    world.intake.clock.at += 6 * DAY
    world.importer.work(NOON)

    world.importer.give_up(NOON + 8 * DAY)

    assert world.get(checked["links"]["self"])["state"] == "running"


def test_a_slice_takes_by_the_catalogue_it_accepted_by(world: World) -> None:
    checked = world.checked(csv_file(rows(3)))
    world.started(checked)
    importer, asked = catalogue_asked(world)

    importer.work(NOON)

    assert (len(asked), world.stored()) == (1, 3)


def test_a_process_looks_into_one_file_at_a_time() -> None:
    looks = OneLook()

    with looks.taken(), pytest.raises(Problem) as refused, looks.taken():
        pass
    with looks.taken():
        again = True

    assert (refused.value.kind, again) == (BUSY, True)


def test_a_look_that_failed_leaves_room_for_the_next(world: World) -> None:
    path = world.sent(csv_file(rows(2)))

    early = [world.intake.get(f"{path}/preview").status_code for _ in range(2)]

    assert early == [409, 409]
