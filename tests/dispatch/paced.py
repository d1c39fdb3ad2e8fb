"""An office at a pace, and a relay's tick on it: what the tests of plan, close and wake share."""

import datetime as dt
from typing import Any

from sqlalchemy import insert, update

from services.dispatch.close import close_digests
from services.dispatch.pacing.hours import hours_of
from services.dispatch.pacing.line import Line
from services.dispatch.pacing.slots import local_day
from services.dispatch.plan import plan_new_actions
from services.dispatch.wake import mark_due
from shared.catalogue import Catalogue, Pace
from shared.clock import new_id
from shared.tables.dispatch import carriages, deliveries
from shared.tables.intake import actions
from shared.tables.pacing import mailbox_key, paces
from tests.dispatch.builders import World
from tests.dispatch.entries import a_case, a_catalogue, a_recipient, a_template
from tests.dispatch.pacing.test_hours import local
from tests.dispatch.test_plan import a_copy

TEN = local("Europe/Minsk", 2026, 6, 1, 10).astimezone(dt.UTC)  # a Monday, in the best hour
HOUR = dt.timedelta(hours=1)
BOX = mailbox_key("office@prosecutor.example")
HOURS = hours_of(a_recipient())


def office(per_hour: int = 1) -> Catalogue:
    """One office whose mailbox is full with eleven emails or so."""
    return a_catalogue(
        a_recipient(pace=Pace(per_hour=per_hour)), a_case(slug="nasta"), a_template(case="nasta")
    )


def many(world: World, number: int, **changes: Any) -> None:
    """So many actions, accepted now."""
    one = world.an_action(accepted_at=world.clock(), **changes)
    [row] = world.rows(actions, actions.c.id == one)
    if number > 1:
        copies = [a_copy(row, new_id().int) for _ in range(number - 1)]
        with world.database.begin() as connection:
            connection.execute(insert(actions), copies)


def tick(world: World, domain_per_hour: int = 0) -> list[Any]:
    """What the relay does: plans, closes, wakes; the rows that were woken."""
    with world.database.begin() as connection:
        line = Line(connection, world.clock(), domain_per_hour=domain_per_hour)
        while plan_new_actions(connection, world.catalogue, world.clock(), line).actions:
            pass
        close_digests(connection, world.catalogue, line)
        ids = mark_due(
            connection,
            channel="email",
            now=world.clock(),
            backlog=2000,
            domain_per_hour=domain_per_hour,
        )
    return world.rows(deliveries, deliveries.c.id.in_(ids))


def singles(world: World) -> list[Any]:
    found = world.rows(deliveries, deliveries.c.carrier == "single")
    return sorted(found, key=lambda row: row.next_attempt_at)


def digests(world: World, **where: Any) -> list[Any]:
    found = world.rows(deliveries, deliveries.c.carrier == "digest")
    chosen = [row for row in found if all(getattr(row, n) == v for n, v in where.items())]
    return sorted(chosen, key=lambda row: row.next_attempt_at)


def resting_on(world: World, delivery: Any) -> int:
    return len(world.rows(carriages, carriages.c.delivery_id == delivery.id))


def leave(world: World, *rows: Any) -> None:
    """They were handed over, and the guard counted them."""
    with world.database.begin() as connection:
        ids = [row.id for row in rows]
        gone = update(deliveries).where(deliveries.c.id.in_(ids))
        connection.execute(gone.values(state="handed_over", woken_at=None))
        for row in rows:
            day = local_day(HOURS, world.clock())
            left = {"free_at": world.clock(), "digest_on": day}
            if row.carrier == "digest":
                connection.execute(update(paces).where(paces.c.key == row.mailbox).values(left))
