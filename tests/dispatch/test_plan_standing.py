"""Only what stands clear is carried, whenever it became clear."""

from uuid import UUID

import pytest
from sqlalchemy import insert, update

from services.dispatch.obey import obey
from services.dispatch.plan import plan_new_actions
from shared.tables.dispatch import DeliveryState, carriages, deliveries, obeyed_commands
from shared.tables.intake import Standing, actions, clearances
from shared.tables.tracking import Verb
from tests.dispatch.builders import NOON, World


def plan(world: World) -> int:
    with world.database.begin() as connection:
        return plan_new_actions(connection, world.catalogue, world.clock()).deliveries


def clear(world: World, action: UUID) -> None:
    with world.database.begin() as connection:
        connection.execute(
            update(actions).where(actions.c.id == action).values(standing=Standing.CLEAR)
        )
        connection.execute(insert(clearances).values(action_id=action, cleared_at=NOON))


def carried(world: World) -> list[UUID]:
    return [row.action_id for row in world.rows(carriages)]


@pytest.mark.parametrize("standing", [one for one in Standing if one is not Standing.CLEAR])
def test_what_does_not_stand_clear_is_not_carried(small_world: World, standing: Standing) -> None:
    small_world.an_action(standing=standing)
    clear_one = small_world.an_action()

    assert plan(small_world) == 1

    assert carried(small_world) == [clear_one]


def test_what_becomes_clear_later_is_carried_once(world: World) -> None:
    held = world.an_action(standing=Standing.HELD)
    assert plan(world) == 0

    clear(world, held)
    assert plan(world) == 1
    clear(world, held)
    assert plan(world) == 0

    assert carried(world) == [held]


def test_what_was_released_before_anybody_planned_is_carried_once(world: World) -> None:
    held = world.an_action(standing=Standing.HELD)
    clear(world, held)

    assert plan(world) == 1
    assert plan(world) == 0

    assert carried(world) == [held]


def test_what_was_erased_is_not_carried(small_world: World) -> None:
    small_world.an_action(erased_at=NOON)

    assert plan(small_world) == 0


def test_signatures_gather_on_one_petition_to_each_recipient(world: World) -> None:
    signature = {"kind": "signature", "channel": "petition"}
    one = world.an_action(**signature, recipients=["minister", "prosecutor"])
    two = world.an_action(**signature, recipients=["prosecutor"])
    assert plan(world) == 2
    three = world.an_action(**signature, recipients=["prosecutor"])
    assert plan(world) == 0

    petitions = {row.recipient: row for row in world.rows(deliveries)}

    assert {row.carrier for row in petitions.values()} == {"petition"}
    assert all("petition gathers" in row.held_reason for row in petitions.values())
    on_it = carriages.c.delivery_id == petitions["prosecutor"].id
    assert {row.action_id for row in world.rows(carriages, on_it)} == {one, two, three}


def test_test_signatures_never_mix_with_live_ones(small_world: World) -> None:
    for mode in ("live", "test"):
        small_world.an_action(kind="signature", channel="petition", mode=mode)

    assert plan(small_world) == 2


def test_a_petition_that_left_is_followed_by_a_new_one(small_world: World) -> None:
    small_world.an_action(kind="signature", channel="petition")
    plan(small_world)
    with small_world.database.begin() as connection:
        connection.execute(update(deliveries).values(state=DeliveryState.HANDED_OVER))
    small_world.an_action(kind="signature", channel="petition")

    assert plan(small_world) == 1


def test_a_postcard_waits_for_a_printer_and_cannot_be_released(world: World) -> None:
    world.an_action(channel="postcard")
    plan(world)
    [card] = world.rows(deliveries)
    assert card.held_reason == "Postcards wait: no vendor prints them yet."

    world.a_command(Verb.RELEASE, card.id)
    with world.database.begin() as connection:
        obey(connection, world.catalogue, NOON)

    assert world.delivery(card.id).held_reason == card.held_reason
    [obeyed] = world.rows(obeyed_commands)
    assert obeyed.effect == "no effect: Postcards wait: no vendor prints them yet."
