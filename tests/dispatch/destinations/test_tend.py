"""What waits is looked at when the list, the catalogue or the day is new, and goes by itself."""

import datetime as dt
from contextlib import suppress
from typing import Any
from uuid import UUID

import pytest

from services.dispatch.destinations.tend import RouteKeeper
from shared.tables.routes import LimitKind
from tests.dispatch.builders import NOON, World
from tests.dispatch.destinations.limited import (
    DAY,
    a_rule,
    embassy,
    noted,
    reasons,
    tended,
    with_embassy,
)
from tests.dispatch.entries import a_catalogue, a_recipient, an_address

TOMORROW = NOON + dt.timedelta(days=1)


def waits(world: World, **changes: Any) -> UUID:
    return world.a_delivery(**({"channel": "letter", "woken_at": None} | changes))


def test_what_is_due_is_held_when_the_list_is_new(world: World) -> None:
    letter, later = waits(world), waits(world, next_attempt_at=TOMORROW)
    others = [waits(world, mode="test"), waits(world, recipient="x"), world.a_delivery()]
    keeper = tended(world)
    noted(world.database, a_rule())

    tended(world, keeper)

    assert reasons(world, [letter])[0].startswith("The destination is suspended. BELARUS: ")  # type: ignore[union-attr]
    # What comes due later is looked at then: the suspension may be over.
    assert reasons(world, [later, *others]) == [None] * 4


def test_it_is_due_again_by_itself_when_the_suspension_ends(world: World) -> None:
    noted(world.database, a_rule(ends=DAY))
    letter = waits(world)
    keeper = tended(world)
    held = world.delivery(letter).held_reason
    world.clock.at = TOMORROW

    tended(world, keeper)

    assert "until 01 June 2026" in held
    row = world.delivery(letter)
    assert (row.held_reason, row.woken_at, row.state) == (None, None, "due")


@pytest.mark.parametrize("rule", [a_rule(vendor="print_vendor"), a_rule(country="CH")])
def test_it_is_due_again_when_the_list_says_so_no_more(rule: object, small_world: World) -> None:
    noted(small_world.database, a_rule())
    letter = waits(small_world)
    tended(small_world)
    noted(small_world.database, rule, at=TOMORROW)  # type: ignore[arg-type]

    tended(small_world)

    assert reasons(small_world, [letter]) == [None]


def test_what_one_vendor_does_not_deliver_stays_held_as_long_as_that(small_world: World) -> None:
    noted(small_world.database, a_rule(vendor="print_vendor"))
    letter = small_world.a_delivery(channel="letter")
    small_world.deliver(letter)

    tended(small_world)
    held = small_world.delivery(letter).held_reason
    noted(small_world.database)
    tended(small_world)

    assert "BELARUS, by print_vendor: " in held
    assert reasons(small_world, [letter]) == [None]


def test_a_new_pack_that_names_an_embassy_lets_it_go_there(world: World) -> None:
    noted(world.database, a_rule())
    letter = waits(world)
    tended(world)
    world.catalogue = with_embassy()

    tended(world)

    row = world.delivery(letter)
    assert (row.recipient, row.held_reason) == ("embassy", None)
    assert "re-addressed to its embassy" in row.why


def test_a_new_reason_is_told_and_a_restriction_takes_over(small_world: World) -> None:
    noted(small_world.database, a_rule())
    letter = waits(small_world)
    tended(small_world)
    noted(small_world.database, a_rule(reason="Closed border."), at=TOMORROW)
    tended(small_world)
    first = small_world.delivery(letter).held_reason
    noted(small_world.database, a_rule(kind=LimitKind.RESTRICTED), at=TOMORROW)

    tended(small_world)

    assert "Closed border." in first
    assert reasons(small_world, [letter])[0].startswith("The destination is restricted.")  # type: ignore[union-attr]


def test_an_address_that_moved_away_is_held_no_longer(small_world: World) -> None:
    noted(small_world.database, a_rule())
    letter = waits(small_world)
    tended(small_world)
    small_world.catalogue = a_catalogue(a_recipient(addresses=(an_address(country="CH"),)))

    tended(small_world)

    assert reasons(small_world, [letter]) == [None]


def test_what_gathers_is_held_and_not_re_addressed(small_world: World) -> None:
    noted(small_world.database, a_rule())
    small_world.catalogue = with_embassy()
    petition = waits(small_world, carrier="petition", channel="petition", kind="signature")

    tended(small_world)

    row = small_world.delivery(petition)
    assert row.recipient == "prosecutor"
    assert row.held_reason.startswith("The destination is suspended.")


def test_in_between_nothing_is_looked_for(small_world: World) -> None:
    noted(small_world.database, a_rule())
    keeper = tended(small_world)
    letter = waits(small_world)

    tended(small_world, keeper)

    assert reasons(small_world, [letter]) == [None]


def test_what_was_rolled_back_is_looked_for_again(world: World) -> None:
    noted(world.database, a_rule())
    letter, keeper = waits(world), RouteKeeper()
    for wanted in (InterruptedError, None):
        with suppress(InterruptedError), world.database.begin() as connection:
            keeper.tend(connection, world.catalogue, NOON)
            if wanted:
                raise wanted

    assert reasons(world, [letter]) != [None]


def test_what_was_re_addressed_stays_so_when_the_suspension_ends(small_world: World) -> None:
    noted(small_world.database, a_rule(ends=DAY))
    small_world.catalogue = with_embassy(embassy())
    letter = waits(small_world)
    keeper = tended(small_world)
    small_world.clock.at = TOMORROW

    tended(small_world, keeper)

    assert small_world.delivery(letter).recipient == "embassy"


def test_what_a_person_let_go_leaves_when_a_later_suspension_ends(world: World) -> None:
    restricted = a_rule(kind=LimitKind.RESTRICTED)
    noted(world.database, restricted)
    seen, unseen = (waits(world, released_at=at) for at in (NOON, None))
    noted(world.database, restricted, a_rule(), at=TOMORROW)
    tended(world)
    suspended = reasons(world, [seen, unseen])
    noted(world.database, restricted, at=TOMORROW)

    tended(world)

    assert all(one and one.startswith("The destination is suspended.") for one in suspended)
    free, held = reasons(world, [seen, unseen])
    assert (free, world.delivery(seen).woken_at) == (None, None)
    assert held is not None
    assert held.startswith("The destination is restricted.")
