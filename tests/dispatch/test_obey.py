"""Commands: each verb once, twice, and too late."""

import datetime as dt

import pytest
from sqlalchemy import update

from services.dispatch.obey import NO_EFFECT, obey
from shared.clock import new_id
from shared.tables.dispatch import cursors, obeyed_commands
from tests.dispatch.builders import NOON, World

SENT = {"verdict": "sent", "provider_id": "m-9"}
NOT_TAKEN = {"verdict": "not_taken"}
ABOUT_A_DELIVERY = ("resolve_unknown", "release", "cancel")  # the others are of addresses


def obeyed(world: World) -> list[str]:
    """Obeys what waits; the effects, in the order of the commands' ids."""
    with world.database.begin() as connection:
        obey(connection, world.catalogue, NOON)
    rows = world.rows(obeyed_commands)
    return [row.effect for row in sorted(rows, key=lambda row: str(row.command_id))]


def test_an_unknown_that_was_sent_is_handed_over(world: World) -> None:
    delivery, attempt = world.an_unknown(held_reason="looks")
    world.a_command("resolve_unknown", delivery, attempt_id=attempt, arguments=SENT)

    effects = obeyed(world)

    row = world.delivery(delivery)
    assert effects == ["the unknown attempt was sent"]
    assert (row.state, row.provider, row.provider_id) == ("handed_over", "ses", "m-9")
    assert (row.handed_over_at, row.held_reason) == (NOON, None)
    [tried] = world.attempts(delivery)
    assert (tried.state, tried.provider_id, tried.detail) == ("sent", "m-9", "because")


@pytest.mark.parametrize("state", ["due", "sending", "unknown", "refused", "cancelled"])
@pytest.mark.parametrize("attempt_state", ["started", "unknown", "not_sent"])
def test_a_proof_counts_whatever_was_decided_without_it(
    state: str, attempt_state: str, small_world: World
) -> None:
    delivery = small_world.a_delivery(state=state, attempts=1)
    attempt = small_world.an_attempt(delivery, state=attempt_state)
    small_world.a_command("resolve_unknown", delivery, attempt_id=attempt, arguments=SENT)

    obeyed(small_world)
    small_world.deliver(delivery)

    assert small_world.delivery(delivery).state == "handed_over"
    assert small_world.emails.calls == []


def test_an_unknown_that_was_not_taken_is_due_again(world: World) -> None:
    delivery, attempt = world.an_unknown()
    world.a_command("resolve_unknown", delivery, attempt_id=attempt, arguments=NOT_TAKEN)

    effects = obeyed(world)

    row = world.delivery(delivery)
    assert effects == ["the unknown attempt was not taken; the delivery is due again"]
    assert (row.state, row.next_attempt_at, row.woken_at) == ("due", NOON, None)
    assert world.attempts(delivery)[0].state == "not_sent"


@pytest.mark.parametrize("state", ["started", "sent", "not_sent", "refused"])
def test_not_taken_is_believed_of_an_unknown_only(state: str, small_world: World) -> None:
    delivery = small_world.a_delivery(state="sending", attempts=1)
    attempt = small_world.an_attempt(delivery, state=state)
    small_world.a_command("resolve_unknown", delivery, attempt_id=attempt, arguments=NOT_TAKEN)

    effects = obeyed(small_world)

    assert effects == [NO_EFFECT]
    assert small_world.delivery(delivery).state == "sending"


def test_a_verdict_that_nobody_knows_is_no_verdict(small_world: World) -> None:
    delivery, attempt = small_world.an_unknown()
    for arguments in ({}, {"verdict": "probably"}):
        small_world.a_command("resolve_unknown", delivery, attempt_id=attempt, arguments=arguments)

    effects = obeyed(small_world)

    assert all(one.startswith("no effect") for one in effects)
    assert small_world.delivery(delivery).state == "unknown"


def test_what_was_held_is_released(world: World) -> None:
    delivery = world.a_delivery(held_reason="no mailbox", woken_at=None)
    world.a_command("release", delivery)

    effects = obeyed(world)

    row = world.delivery(delivery)
    assert effects == ["released; due at once"]
    assert (row.state, row.held_reason, row.next_attempt_at) == ("due", None, NOON)


@pytest.mark.parametrize("held", ["looks", "The destination is suspended. X: no flights"])
def test_who_releases_another_hold_has_not_seen_the_restriction(held: str, world: World) -> None:
    before = NOON - dt.timedelta(days=1)
    delivery = world.a_delivery(held_reason=held, released_at=before)
    world.a_command("release", delivery)

    obeyed(world)

    row = world.delivery(delivery)
    assert (row.held_reason, row.released_at) == (None, before)


def test_it_is_written_down_when_a_person_let_a_restricted_one_go(world: World) -> None:
    delivery = world.a_delivery(held_reason="The destination is restricted. X: sanctions")
    world.a_command("release", delivery)

    obeyed(world)

    assert world.delivery(delivery).released_at == NOON


@pytest.mark.parametrize("state", ["due", "sending", "handed_over", "unknown", "cancelled"])
def test_only_what_is_held_can_be_released(state: str, small_world: World) -> None:
    delivery = small_world.a_delivery(state=state)
    small_world.a_command("release", delivery)

    assert obeyed(small_world) == [NO_EFFECT]
    assert small_world.delivery(delivery).state == state


@pytest.mark.parametrize("held", [None, "no mailbox"])
def test_what_is_cancelled_never_leaves(held: str | None, world: World) -> None:
    delivery = world.a_delivery(held_reason=held)
    world.a_command("cancel", delivery)

    effects = obeyed(world)
    world.deliver(delivery)

    assert effects == ["cancelled; nothing leaves"]
    assert world.delivery(delivery).state == "cancelled"
    assert world.emails.calls == []


@pytest.mark.parametrize("state", ["sending", "handed_over", "refused", "unknown"])
def test_what_may_have_left_cannot_be_cancelled(state: str, small_world: World) -> None:
    delivery = small_world.a_delivery(state=state)
    small_world.a_command("cancel", delivery)

    assert obeyed(small_world) == [NO_EFFECT]
    assert small_world.delivery(delivery).state == state


def test_a_letter_that_may_be_printed_already_is_not_called_cancelled(small_world: World) -> None:
    delivery, _ = small_world.an_unknown(channel="letter", state="due", held_reason="looks")
    small_world.a_command("cancel", delivery)

    assert obeyed(small_world) == [NO_EFFECT]
    assert small_world.delivery(delivery).state == "due"


@pytest.mark.parametrize("verb", ABOUT_A_DELIVERY)
def test_a_command_given_twice_works_once(verb: str, world: World) -> None:
    delivery, attempt = world.an_unknown(
        state="due" if verb != "resolve_unknown" else "unknown", held_reason="looks"
    )
    if verb == "cancel":
        delivery = world.a_delivery(held_reason="looks")
    for _ in range(2):
        world.a_command(verb, delivery, attempt_id=attempt, arguments=SENT)

    effects = obeyed(world)

    assert (effects[0].startswith("no effect"), effects[1]) == (False, NO_EFFECT)


@pytest.mark.parametrize("verb", ABOUT_A_DELIVERY)
def test_a_command_for_nothing_has_no_effect(verb: str, small_world: World) -> None:
    delivery = small_world.a_delivery()
    small_world.a_command(verb, new_id(), attempt_id=new_id(), arguments=SENT)

    assert obeyed(small_world) == [NO_EFFECT]
    assert small_world.delivery(delivery).state == "due"


def test_a_command_is_obeyed_once_also_after_the_cursor_was_put_back(world: World) -> None:
    delivery = world.a_delivery(held_reason="looks")
    world.a_command("release", delivery)
    obeyed(world)
    with world.database.begin() as connection:
        connection.execute(update(cursors).values(xact=0, seq=0))
    world.a_command("cancel", delivery)

    effects = obeyed(world)

    assert effects == ["released; due at once", "cancelled; nothing leaves"]


def test_a_verb_of_a_newer_version_is_written_down_and_passed(small_world: World) -> None:
    delivery = small_world.a_delivery()
    small_world.a_command("teleport", delivery)
    small_world.a_command("cancel", delivery)

    effects = obeyed(small_world)

    assert effects == [
        "no effect: this version does not know the verb 'teleport'",
        "cancelled; nothing leaves",
    ]
