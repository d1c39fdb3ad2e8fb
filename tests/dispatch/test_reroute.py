"""A stop holds an address, not an office: what waits goes to a corrected mailbox, or on paper."""

import datetime as dt
from contextlib import suppress
from uuid import UUID

import pytest
from sqlalchemy import update

from services.dispatch.reroute import Rerouter, corrections, letters, reroute
from shared.catalogue import Catalogue
from shared.tables.dispatch import deliveries
from shared.tables.pacing import mailbox_key
from tests.dispatch.builders import NOON, World
from tests.dispatch.entries import a_case, a_catalogue, a_mailbox, a_policy, a_recipient
from tests.dispatch.test_stops import KEY, command, stop, waits

NEW = "new@prosecutor.example"
NEW_KEY = mailbox_key(NEW)
CORRECTED = a_catalogue(a_recipient(mailboxes=(a_mailbox(email=NEW),)))


def rerouted(world: World, catalogue: Catalogue = CORRECTED) -> int:
    with world.database.begin() as connection:
        return reroute(connection, catalogue, NOON)


def woken(world: World, delivery: UUID) -> None:
    """As the relay would, when its moment has come."""
    with world.database.begin() as connection:
        connection.execute(
            update(deliveries).where(deliveries.c.id == delivery).values(woken_at=NOON)
        )


def a_held(world: World) -> UUID:
    delivery = waits(world)
    stop(world)
    return delivery


def test_what_is_held_goes_to_the_corrected_mailbox(world: World) -> None:
    delivery = a_held(world)

    assert rerouted(world) == 1

    row = world.delivery(delivery)
    assert (row.state, row.held_reason, row.mailbox) == ("due", None, NEW_KEY)
    assert row.why.endswith(
        "On 01 June 2026 sent on to a corrected mailbox: the one before is stopped."
    )
    assert rerouted(world) == 0


def test_a_preview_tells_what_would_go_where_and_changes_nothing(world: World) -> None:
    delivery = a_held(world)
    before = world.delivery(delivery)

    with world.database.read() as connection:
        [one] = corrections(connection, CORRECTED, NOON)

    assert (one.recipient, one.stopped, one.email, one.held) == ("prosecutor", KEY, NEW, 1)
    assert world.delivery(delivery) == before


def test_it_really_arrives_there(world: World) -> None:
    delivery = a_held(world)
    world.catalogue = CORRECTED
    rerouted(world)
    woken(world, delivery)

    world.deliver(delivery)

    [tried] = world.attempts(delivery)
    assert (tried.address, len(world.emails.handed)) == (NEW, 1)
    assert world.delivery(delivery).state == "handed_over"


@pytest.mark.parametrize(
    "catalogue",
    [
        a_catalogue(),  # nothing was corrected
        a_catalogue(a_recipient(mailboxes=())),
        a_catalogue(a_recipient(mailboxes=(a_mailbox(email=NEW, hold="wait"),))),
        a_catalogue(a_recipient(mailboxes=(a_mailbox(email=NEW, since=dt.date(2026, 6, 2)),))),
        Catalogue([]),
    ],
)
def test_without_another_mailbox_today_it_stays_held(
    catalogue: Catalogue, small_world: World
) -> None:
    delivery = a_held(small_world)

    assert rerouted(small_world, catalogue) == 0
    assert small_world.delivery(delivery).held_reason is not None


def test_nothing_goes_from_one_stopped_mailbox_to_another(small_world: World) -> None:
    a_held(small_world)
    stop(small_world, key=NEW_KEY)

    assert rerouted(small_world) == 0


def test_a_stopped_recipient_is_not_let_go_by_another_mailbox(small_world: World) -> None:
    waits(small_world)
    stop(small_world, key="recipient:prosecutor", why="complaint")

    assert rerouted(small_world) == 0


def test_a_bounce_that_comes_after_the_correction_holds_nothing(world: World) -> None:
    planned_before = waits(world)
    world.catalogue = CORRECTED

    effect = stop(world)

    row = world.delivery(planned_before)
    assert effect.endswith("of these go to a corrected mailbox: 1")
    assert (row.held_reason, row.mailbox) == (None, NEW_KEY)


def test_what_was_planned_for_later_keeps_its_moment(small_world: World) -> None:
    later = NOON + dt.timedelta(days=2)
    delivery = waits(small_world, next_attempt_at=later)
    stop(small_world)

    rerouted(small_world)

    assert small_world.delivery(delivery).next_attempt_at == later


def test_it_is_looked_for_after_a_new_catalogue_and_on_a_new_day(small_world: World) -> None:
    tomorrow = NOON + dt.timedelta(days=1)
    dated = a_recipient(
        mailboxes=(a_mailbox(), a_mailbox(email=NEW, since=tomorrow.date())),
    )
    small_world.catalogue = a_catalogue(dated)
    delivery, rerouter = a_held(small_world), Rerouter()

    def tend(at: dt.datetime) -> int:
        with small_world.database.begin() as connection:
            rerouted = rerouter.tend(connection, small_world.catalogue, at)
        rerouter.confirm()
        return rerouted

    assert [tend(NOON), tend(NOON), tend(tomorrow)] == [0, 0, 1]
    assert small_world.delivery(delivery).mailbox == NEW_KEY


def test_what_was_rolled_back_is_looked_for_again(world: World) -> None:
    delivery, rerouter = a_held(world), Rerouter()
    for wanted in (InterruptedError, None):
        with suppress(InterruptedError), world.database.begin() as connection:
            assert rerouter.tend(connection, CORRECTED, NOON) == 1
            if wanted:
                raise wanted

    assert world.delivery(delivery).mailbox == NEW_KEY


def test_what_stays_held_says_what_can_be_done_by_now(small_world: World) -> None:
    delivery = a_held(small_world)
    before = small_world.delivery(delivery).held_reason
    no_paper = a_catalogue(a_recipient(addresses=()))

    with small_world.database.begin() as connection:
        Rerouter().tend(connection, no_paper, NOON)

    assert "letter" in before
    assert "No other way" in small_world.delivery(delivery).held_reason


def by_letter(world: World) -> str:
    return command(world, "by_letter", arguments={"recipient": "prosecutor"})


def test_what_is_held_goes_on_paper_when_a_person_says_so(world: World) -> None:
    delivery = a_held(world)

    effect = by_letter(world)
    woken(world, delivery)
    world.deliver(delivery)

    row = world.delivery(delivery)
    assert effect == "put on paper: 1"
    assert (row.channel, row.mailbox, row.state) == ("letter", None, "handed_over")
    assert "put on paper" in row.why
    assert (len(world.letters.handed), world.emails.handed) == (1, [])


def test_a_preview_counts_letters_by_case(small_world: World) -> None:
    a_held(small_world)
    digest = waits(small_world, carrier="digest", held_reason=None)
    other = waits(small_world, case="zhang", held_reason=None)
    command(small_world, "lift", arguments={"key": KEY})
    stop(small_world)

    with small_world.database.read() as connection:
        found = letters(connection, small_world.catalogue, "prosecutor", NOON)

    assert found == {"mikita": 1, "zhang": 0}  # the catalogue has no case zhang
    assert by_letter(small_world) == "put on paper: 1"
    assert {small_world.delivery(one).channel for one in (digest, other)} == {"email"}


@pytest.mark.parametrize(
    "catalogue",
    [
        a_catalogue(a_case(policy=a_policy(channels=("email",)))),
        a_catalogue(a_recipient(addresses=())),
        a_catalogue(a_recipient(paper_hold="no post")),
    ],
)
def test_no_letter_goes_where_none_may(catalogue: Catalogue, small_world: World) -> None:
    small_world.catalogue = catalogue
    delivery = a_held(small_world)

    assert by_letter(small_world).startswith("no effect")
    assert small_world.delivery(delivery).channel == "email"


def test_what_may_have_left_as_an_email_does_not_go_again_as_a_letter(small_world: World) -> None:
    delivery = a_held(small_world)
    small_world.an_attempt(delivery, state="unknown")

    assert by_letter(small_world).startswith("no effect")


def test_without_a_stop_nothing_goes_on_paper(small_world: World) -> None:
    waits(small_world)

    assert by_letter(small_world).startswith("no effect")
