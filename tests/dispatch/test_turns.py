"""Of a mailbox that keeps a pace only the first is woken, and only when the guard would agree."""

import datetime as dt
from typing import Any

import pytest
from sqlalchemy import update

from services.dispatch.documents import Documents
from services.dispatch.pacing.breaker import refused
from services.dispatch.pacing.line import Line
from services.dispatch.plan import plan_new_actions
from services.dispatch.relay import Relay, WayOut
from services.dispatch.wake import mark_due
from shared.broker import make_broker
from shared.queues import EMAILS
from shared.tables.dispatch import deliveries
from shared.tables.pacing import paces
from tests.dispatch.builders import World, dispatch_settings
from tests.dispatch.entries import a_catalogue, a_mailbox, a_recipient
from tests.dispatch.paced import BOX, HOUR, TEN, digests, leave, many, singles, tick


def test_only_the_first_of_a_mailbox_is_woken_and_no_other_while_it_is_on_its_way(
    paced_world: World,
) -> None:
    many(paced_world, 5)
    [first] = tick(paced_world)
    paced_world.clock.at += dt.timedelta(hours=5)

    while_woken = tick(paced_world)
    with paced_world.database.begin() as connection:
        connection.execute(
            update(deliveries)
            .where(deliveries.c.id == first.id)
            .values(state="sending", woken_at=None)
        )
    while_sending = tick(paced_world)
    leave(paced_world, first)
    [second] = tick(paced_world)

    assert (while_woken, while_sending) == ([], [])
    assert second.id == singles(paced_world)[1].id


@pytest.mark.parametrize(
    ("key", "changes"),
    [
        (BOX, {"free_at": TEN + HOUR}),
        (BOX, {"stopped_at": TEN}),
        (BOX, {"stopped_at": TEN, "stopped_until": TEN + HOUR}),
        ("@prosecutor.example", {"stopped_at": TEN, "stopped_until": TEN + HOUR}),
        ("@prosecutor.example", {"free_at": TEN + HOUR}),
    ],
)
def test_what_the_guard_would_refuse_is_not_woken(
    key: str, changes: dict[str, Any], paced_world: World
) -> None:
    many(paced_world, 1)
    [woken] = tick(paced_world, domain_per_hour=1200)
    with paced_world.database.begin() as connection:
        connection.execute(update(deliveries).values(woken_at=None))
        connection.execute(update(paces).where(paces.c.key == key).values(changes))

    not_now = tick(paced_world, domain_per_hour=1200)
    paced_world.clock.at = TEN + HOUR
    then = tick(paced_world, domain_per_hour=1200)

    assert not_now == []
    assert [row.id for row in then] == ([] if changes == {"stopped_at": TEN} else [woken.id])


def test_mailboxes_that_keep_no_pace_yet_are_woken_as_ever(world: World) -> None:
    known, unknown = (world.a_delivery(woken_at=None, mailbox=box) for box in (None, "of-old"))

    with world.database.begin() as connection:
        ids = mark_due(
            connection, channel="email", now=world.clock(), backlog=99, domain_per_hour=0
        )

    assert set(ids) == {known, unknown}


def test_many_mailboxes_are_woken_together_up_to_the_backlog(small_paced: World) -> None:
    members = [
        a_recipient(slug=f"m{n}", mailboxes=(a_mailbox(email=f"m{n}@parliament.example"),))
        for n in range(9)
    ]
    small_paced.catalogue = a_catalogue(*members)
    many(small_paced, 2, recipients=[one.slug for one in members])
    with small_paced.database.begin() as connection:
        line = Line(connection, small_paced.clock(), domain_per_hour=0)
        plan_new_actions(connection, small_paced.catalogue, small_paced.clock(), line)

    woken = []
    with small_paced.database.begin() as connection:
        for _ in range(2):
            woken += mark_due(connection, channel="email", now=TEN, backlog=5, domain_per_hour=0)

    assert len(woken) == 5


def test_the_relay_keeps_the_pace_and_gives_a_stopped_domain_another_chance(
    paced_world: World,
) -> None:
    world, broker = paced_world, make_broker("stub://")
    relay = Relay(
        dispatch_settings(world.data_dir, pace=True),
        world.database,
        broker,
        catalogue=lambda: world.catalogue,
        ways={"email": WayOut(EMAILS, "ses")},
        documents=Documents(world.data_dir),
        clock=world.clock,
    )
    many(world, 40)

    relay.tick()
    woken = world.rows(deliveries, deliveries.c.woken_at.is_not(None))
    with world.database.begin() as connection:
        for _ in range(3):
            refused(connection, "prosecutor.example", world.clock())
    world.clock.at += 7 * HOUR
    relay.tick()
    broker.close()

    [domain] = world.rows(paces, paces.c.key == "@prosecutor.example")
    [digest] = digests(world)
    assert [row.next_attempt_at for row in woken] == [TEN]
    assert domain.stopped_at is None
    assert digest.closed_at == world.clock()
