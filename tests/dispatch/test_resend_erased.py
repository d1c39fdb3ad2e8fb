"""RESEND and erasing: whoever is erased leaves no more, and no document of the line stays."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from services.dispatch import resend as resending
from services.dispatch.carriers import delivery_row
from services.dispatch.documents import Documents
from services.dispatch.forget import forget
from services.dispatch.obey import obey
from shared.tables.dispatch import deliveries, obeyed_commands
from tests.dispatch.builders import NOON, World
from tests.dispatch.test_digests import a_digest, erase, some_actions
from tests.dispatch.test_resend import (
    a_digest_that_came_back,
    again_of,
    came_back,
    resting,
    sent_again,
)


def a_line_that_left(
    world: World, carried: Sequence[UUID], length: int, carrier: str = "single"
) -> UUID:
    """So many that left, each in place of the one before; the last, on which these rest."""
    last = a_digest(world, *carried, carrier=carrier)
    world.deliver(last)
    for _ in range(length - 1):
        sent_again(world, last)
        last = again_of(world, last).id
        world.wake(last)
        world.deliver(last)
    return last


def forgotten(world: World) -> int:
    return forget(world.database, Documents(world.data_dir))


def documents(world: World) -> list[Path]:
    return [path for path in (world.data_dir / "documents").rglob("*") if path.is_file()]


def test_who_was_erased_between_asking_and_obeying_is_not_sent_again(world: World) -> None:
    delivery = came_back(world)
    world.a_command("resend", delivery)
    erase(world, *resting(world, delivery))

    with world.database.begin() as connection:
        obey(connection, world.catalogue, NOON)

    [done] = world.rows(obeyed_commands)
    assert done.effect.startswith("no effect: nothing rests on it that may leave")
    assert len(world.rows(deliveries)) == 1


def test_who_is_erased_after_it_leaves_no_more_and_no_document_stays(world: World) -> None:
    delivery = world.a_delivery()
    world.deliver(delivery)
    sent_again(world, delivery)
    again = again_of(world, delivery).id
    [action] = resting(world, again)

    erase(world, action)
    forgotten(world)

    assert world.delivery(again).state == "cancelled"
    assert documents(world) == []
    assert world.attempts(delivery)[0].document is None


@pytest.mark.parametrize("before", [1, 2])
def test_who_is_erased_while_it_is_obeyed_leaves_no_more_and_no_document_stays(
    before: int, postgres_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`before`: how many left before."""
    world = postgres_world
    last = a_line_that_left(world, [world.an_action()], before)
    [action] = resting(world, last)

    def meanwhile(*asked: Any) -> Any:
        erase(world, action)  # after the look at what stands against it, before anything moves
        return delivery_row(*asked)

    monkeypatch.setattr(resending, "delivery_row", meanwhile)
    sent_again(world, last)
    again = again_of(world, last).id
    world.wake(again)
    world.deliver(again)
    forgotten(world)

    assert len(world.emails.calls) == before
    assert (world.delivery(again).state, resting(world, again)) == ("cancelled", {action})
    assert documents(world) == []


def test_who_is_erased_from_a_line_of_digests_stays_in_no_document(world: World) -> None:
    lost, kept = some_actions(world, 2)
    last = a_line_that_left(world, [lost, kept], 2, "digest")
    written = documents(world)
    erase(world, lost)

    sent_again(world, last)  # obeyed before it is forgotten
    forgotten(world)

    assert len(written) == 2
    assert documents(world) == []
    assert world.delivery(again_of(world, last).id).state == "due"


def test_a_digest_leaves_again_with_all_but_the_erased(world: World) -> None:
    gone, *kept = some_actions(world, 3)
    digest = a_digest_that_came_back(world, gone, *kept)
    erase(world, gone)

    sent_again(world, digest)
    again = again_of(world, digest)
    world.wake(again.id)
    world.deliver(again.id)

    assert (resting(world, digest), resting(world, again.id)) == (set(), {gone, *kept})
    [email] = world.emails.handed
    assert "Word00001" not in email.text  # type: ignore[union-attr]
    assert "Word00002" in email.text  # type: ignore[union-attr]
