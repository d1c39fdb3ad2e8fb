"""A letter to a suspended destination is never ordered; a restricted one waits for a person."""

import datetime as dt
from typing import Any
from uuid import UUID

import pytest

from services.dispatch.destinations.keep_back import keep_back
from services.dispatch.obey import obey
from services.dispatch.prepare import Preparer
from services.dispatch.read_due import read_due
from shared.catalogue import Catalogue
from shared.tables.routes import LimitKind, Product
from tests.dispatch.builders import NOON, World
from tests.dispatch.destinations.limited import DAY, a_rule, embassy, noted, with_embassy
from tests.dispatch.entries import a_catalogue, a_recipient, an_address

RESTRICTED = a_rule(kind=LimitKind.RESTRICTED, reason="Sanctions; ask the lawyers.")


def a_letter(world: World, **changes: Any) -> UUID:
    return world.a_delivery(**({"channel": "letter"} | changes))


def release(world: World, delivery: UUID) -> None:
    world.a_command("release", delivery)
    with world.database.begin() as connection:
        obey(connection, world.catalogue, world.clock())
    world.wake(delivery)


def test_nothing_is_ordered_to_a_suspended_destination(world: World) -> None:
    noted(world.database, a_rule())
    letter, email = a_letter(world), world.a_delivery()

    world.deliver(letter, email)

    row = world.delivery(letter)
    assert (world.letters.calls, world.attempts(letter)) == ([], [])
    assert (row.state, row.woken_at) == ("due", None)
    assert row.held_reason == (
        "The destination is suspended. BELARUS: No flights. (since 31 May 2026, until further"
        " notice; https://post.example/notices). The case names no other way; it leaves by itself"
        " when this ends."
    )
    assert world.delivery(email).state == "handed_over"


@pytest.mark.parametrize(
    "rule",
    [
        a_rule(country="RU"),
        a_rule(starts=DAY + dt.timedelta(days=1)),
        a_rule(ends=DAY - dt.timedelta(days=1)),
        a_rule(vendor="lob"),
        a_rule(product=Product.PARCEL),
        a_rule(region="HM"),
    ],
)
def test_what_a_limit_does_not_concern_leaves(rule: object, small_world: World) -> None:
    noted(small_world.database, rule)  # type: ignore[arg-type]
    letter = a_letter(small_world)

    small_world.deliver(letter)

    assert small_world.delivery(letter).state == "handed_over"


@pytest.mark.parametrize(
    "rule",
    [
        a_rule(ends=DAY),
        a_rule(starts=DAY),
        a_rule(vendor="print_vendor"),
        a_rule(product=Product.LETTER),
        a_rule(region="HM"),
    ],
)
def test_what_a_limit_concerns_is_held(rule: object, small_world: World) -> None:
    small_world.catalogue = a_catalogue(a_recipient(addresses=(an_address(region="HM"),)))
    noted(small_world.database, rule)  # type: ignore[arg-type]
    letter = a_letter(small_world)

    small_world.deliver(letter)

    assert small_world.delivery(letter).held_reason.startswith("The destination is suspended.")


def test_a_test_goes_nowhere_and_is_not_held(small_world: World) -> None:
    noted(small_world.database, a_rule())
    letter = a_letter(small_world, mode="test")

    small_world.deliver(letter)

    assert small_world.delivery(letter).state == "handed_over"


def test_it_goes_to_the_embassy_that_the_case_names(world: World) -> None:
    noted(world.database, a_rule())
    world.catalogue = with_embassy()
    letter = a_letter(world)

    world.deliver(letter)
    row = world.delivery(letter)
    assert (row.recipient, row.held_reason, row.woken_at) == ("embassy", None, None)
    assert row.why == (
        "a test On 01 June 2026 re-addressed to its embassy, embassy: nothing goes to BELARUS."
        " No flights. (since 31 May 2026, until further notice; https://post.example/notices)."
    )
    world.wake(letter)
    world.deliver(letter)

    [handed] = world.letters.handed
    assert handed.lines[-2:] == ("3000 Bern", "SWITZERLAND")  # type: ignore[union-attr]
    assert world.delivery(letter).state == "handed_over"


SECTION = {"by": "section", "to": "section"}
EMBASSY = {"by": "embassy", "to": "embassy"}
ELSEWHERE = a_recipient(
    slug="section", addresses=(an_address(lines=("3 Road", "10 Riga"), country="LV"),)
)


@pytest.mark.parametrize(
    ("catalogue", "rules", "told"),
    [
        (with_embassy(embassy(addresses=())), [], "embassy has no address"),
        (with_embassy(embassy(paper_hold="moved")), [], "embassy is held by the pack"),
        (with_embassy(), [a_rule(country="CH")], "embassy is suspended as well"),
        (with_embassy(embassy(kind="solidarity")), [], "embassy is of the kind solidarity"),
        (with_embassy(paper_fallback=({**EMBASSY, "instead_of": "other"},)), [], "no other way"),
    ],
)
def test_where_the_embassy_gets_no_post_it_is_held_and_says_so(
    catalogue: Catalogue, rules: list[object], told: str, small_world: World
) -> None:
    noted(small_world.database, a_rule(), *rules)  # type: ignore[arg-type]
    small_world.catalogue = catalogue
    letter = a_letter(small_world)

    small_world.deliver(letter)

    row = small_world.delivery(letter)
    assert row.recipient == "prosecutor"
    assert told in row.held_reason


def test_the_next_way_is_taken_where_the_first_is_closed(small_world: World) -> None:
    noted(small_world.database, a_rule(), a_rule(country="CH"))
    small_world.catalogue = with_embassy(ELSEWHERE, paper_fallback=(EMBASSY, SECTION))
    letter = a_letter(small_world)

    small_world.deliver(letter)

    assert small_world.delivery(letter).recipient == "section"


def test_what_may_have_been_printed_goes_nowhere_else(world: World) -> None:
    noted(world.database, a_rule())
    world.catalogue = with_embassy()
    letter = a_letter(world, attempts=1)
    world.an_attempt(letter, provider="print_vendor")

    world.deliver(letter)

    row = world.delivery(letter)
    assert (row.recipient, world.letters.calls) == ("prosecutor", [])
    assert "It may have been printed already" in row.held_reason


def test_a_restricted_letter_waits_for_a_person_and_then_leaves(world: World) -> None:
    noted(world.database, RESTRICTED)
    world.catalogue = with_embassy()  # sanctions are for a person to judge: no way round
    letter = a_letter(world)

    world.deliver(letter)
    held = world.delivery(letter)
    release(world, letter)
    world.deliver(letter)

    assert held.recipient == "prosecutor"
    assert held.held_reason.startswith("The destination is restricted. BELARUS: Sanctions; ask")
    assert held.held_reason.endswith("A person decides, and releases it.")
    assert world.delivery(letter).state == "handed_over"


def test_who_released_it_knew_of_no_later_restriction(small_world: World) -> None:
    noted(small_world.database, RESTRICTED)
    letter = a_letter(small_world)
    release(small_world, letter)
    newer = a_rule(kind=LimitKind.RESTRICTED, reason="More sanctions.")
    noted(small_world.database, RESTRICTED, newer, at=NOON + dt.timedelta(hours=1))

    small_world.deliver(letter)

    assert "More sanctions." in small_world.delivery(letter).held_reason


def test_nobody_can_release_what_would_come_back(world: World) -> None:
    noted(world.database, a_rule(), RESTRICTED)
    letter = a_letter(world)
    world.deliver(letter)

    release(world, letter)
    world.deliver(letter)

    assert world.letters.calls == []
    assert world.delivery(letter).held_reason.startswith("The destination is suspended.")


def test_the_paper_says_where_it_goes_whatever_the_catalogue_says_since(
    small_world: World,
) -> None:
    noted(small_world.database, a_rule())
    letter = a_letter(small_world)
    with small_world.database.read() as connection:
        [due] = read_due(connection, [letter])
    printed = Preparer(lambda: small_world.catalogue, small_world.press).prepare(due, NOON)
    moved = a_catalogue(a_recipient(addresses=(an_address(country="CH"),)))

    with small_world.database.begin() as connection:
        kept = keep_back(connection, [printed], "print_vendor", moved, NOON)

    assert kept == {letter}


def test_who_releases_another_hold_does_not_open_the_restriction(world: World) -> None:
    noted(world.database, RESTRICTED)
    letter = a_letter(world, held_reason="It is too long.")
    world.clock.pass_s(60)

    release(world, letter)
    world.deliver(letter)

    assert world.letters.calls == []
    assert world.delivery(letter).held_reason.startswith("The destination is restricted.")
