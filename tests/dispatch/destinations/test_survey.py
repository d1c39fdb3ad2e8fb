"""What is kept back today is told beforehand: why, how much, and what the case says instead."""

from typing import Any

from services.dispatch.destinations.survey import Asked, Finding, survey, without_region
from shared.catalogue import Catalogue
from shared.tables.routes import LimitKind, Product
from tests.dispatch.builders import NOON, World
from tests.dispatch.destinations.limited import a_rule, noted, tended, with_embassy
from tests.dispatch.entries import a_catalogue, a_recipient, an_address


def found(world: World, catalogue: Catalogue | None = None, **asked: Any) -> list[Finding]:
    with world.database.read() as connection:
        return survey(connection, catalogue or world.catalogue, Asked(**asked), NOON)


def test_it_tells_what_waits_and_the_way_round(world: World) -> None:
    noted(world.database, a_rule())
    world.a_delivery()
    world.a_delivery(channel="letter")
    world.a_delivery(channel="letter", mode="test")
    world.a_delivery(channel="letter", state="handed_over")

    [one] = found(world, with_embassy())

    assert (one.recipient, one.case, one.channel, one.country) == (
        *("prosecutor", "mikita", "letter"),
        "BY",
    )
    assert (one.waiting, one.instead) == (1, "its embassy, embassy")
    assert one.limit.rule == a_rule()


def test_held_letters_are_counted_too(small_world: World) -> None:
    noted(small_world.database, a_rule())
    small_world.a_delivery(channel="letter", woken_at=None)
    tended(small_world)

    [one] = found(small_world)

    assert (one.waiting, one.instead) == (1, "The case names no other way")


def test_a_restriction_is_for_a_person(small_world: World) -> None:
    noted(small_world.database, a_rule(kind=LimitKind.RESTRICTED))

    [one] = found(small_world, with_embassy())

    assert one.instead == "a person releases it"


def test_a_recipient_that_no_case_names_is_told_while_paper_waits_for_it(
    small_world: World,
) -> None:
    noted(small_world.database, a_rule())
    other = a_recipient(slug="minister")
    small_world.a_delivery(channel="letter", recipient="minister")

    told = found(small_world, a_catalogue(other))

    assert {(one.recipient, one.waiting) for one in told} == {("minister", 1), ("prosecutor", 0)}


def test_only_what_was_asked_for_is_told(small_world: World) -> None:
    noted(small_world.database, a_rule(), a_rule(vendor="lob", product=Product.LETTER))
    small_world.a_delivery(channel="letter", campaign="others", recipient="prosecutor")

    def vendors(**asked: Any) -> list[str | None]:
        return [one.limit.rule.vendor for one in found(small_world, **asked)]

    assert vendors() == [None, "lob"]
    assert vendors(vendor="lob") == [None, "lob"]
    assert vendors(vendor="pingen") == [None]
    assert vendors(country="BY") == [None, "lob"]
    assert vendors(country="IR") == []
    assert vendors(campaign="others") == [None, "lob"]
    assert [one.waiting for one in found(small_world, campaign="letters")] == [0, 0]
    assert vendors(campaign="nobody") == []


def test_addresses_that_name_no_region_are_told_of(small_world: World) -> None:
    noted(small_world.database, a_rule(region="HM"))
    named = a_recipient(slug="named", addresses=(an_address(region="HM"),))
    with small_world.database.read() as connection:
        unclear = without_region(connection, with_embassy(named), NOON)

    assert unclear == {"BY": ["prosecutor"]}
