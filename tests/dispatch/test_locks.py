"""Nobody waits for somebody who waits: one relay and many workers, before the same mailboxes."""

import random
import threading
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest
from sqlalchemy import insert, update

from services.dispatch.close import close_digests
from services.dispatch.pacing.guard import Wanted, admit
from services.dispatch.pacing.line import Line
from services.dispatch.plan import plan_new_actions
from shared.catalogue import Catalogue, Recipient
from shared.clock import new_id
from shared.tables.dispatch import deliveries
from shared.tables.intake import Standing, actions, clearances
from tests.dispatch.builders import World
from tests.dispatch.entries import a_catalogue, a_mailbox, a_recipient
from tests.dispatch.paced import TEN
from tests.dispatch.test_digests import a_digest

OFFICES = [
    a_recipient(slug=f"o{n}", mailboxes=(a_mailbox(email=f"office@o{n}.example"),))
    for n in range(24)
]
CATALOGUE: Catalogue = a_catalogue(*OFFICES)
ROUNDS = 12


@pytest.mark.parametrize("plans", [True, False], ids=["planned and closed", "closed alone"])
def test_digests_close_and_actions_are_planned_beside_workers_that_admit(
    plans: bool, postgres_world: World
) -> None:
    world, chance, over = postgres_world, random.Random(1), threading.Event()
    world.clock.at, world.catalogue = TEN, CATALOGUE
    waiting = [
        a_digest(
            world,
            world.an_action(recipients=["nobody"], standing="held"),
            **{"recipient": one.slug, "woken_at": None, "closed_at": None, "next_attempt_at": TEN},
        )
        for one in chance.sample(OFFICES, len(OFFICES))
    ]

    def work(seed: int) -> int:
        order, rounds = random.Random(seed), 0
        while not over.is_set():
            some = order.sample(OFFICES, 12)
            with world.database.begin() as connection:
                admit(connection, [wanted(one) for one in some], world.clock, domain_per_hour=9)
            rounds += 1
        return rounds

    closed = 0
    with ThreadPoolExecutor(4) as threads:
        workers = [threads.submit(work, seed) for seed in range(4)]
        try:
            for _ in range(ROUNDS):
                if plans:
                    accept_some(world, chance)
                closed += plan_and_close(world)
                open_again(world, waiting)
        finally:
            over.set()
        rounds = [one.result() for one in workers]

    assert closed == ROUNDS * len(OFFICES)
    assert all(rounds)


def open_again(world: World, digests: list[UUID]) -> None:
    with world.database.begin() as connection:
        opened = update(deliveries).where(deliveries.c.id.in_(digests))
        connection.execute(opened.values(closed_at=None))


def wanted(office: Recipient) -> Wanted:
    return Wanted(delivery_id=new_id(), email=office.mailboxes[0].email, recipient=office)


def accept_some(world: World, chance: random.Random) -> None:
    """Of both feeds: what is clear from the start, and what becomes so later."""
    with world.database.begin() as connection:  # of the round before
        late = (
            update(actions)
            .where(actions.c.standing == Standing.UNCONFIRMED)
            .values(standing=Standing.CLEAR)
        )
        ids = connection.scalars(late.returning(actions.c.id)).all()
        if ids:
            told = [{"action_id": one, "cleared_at": TEN} for one in ids]
            connection.execute(insert(clearances), told)
    for standing in (Standing.CLEAR, Standing.UNCONFIRMED):
        some = [one.slug for one in chance.sample(OFFICES, 6)]
        world.an_action(recipients=some, standing=standing)


def plan_and_close(world: World) -> int:
    """As the relay does, in one transaction."""
    with world.database.begin() as connection:
        line = Line(connection, world.clock(), domain_per_hour=9)
        plan_new_actions(connection, world.catalogue, world.clock(), line)
        return close_digests(connection, world.catalogue, line)
