"""Office, holder and address are those of the day on which it leaves, and what was used is kept."""

import datetime as dt
from typing import Any
from uuid import UUID

import pytest

from services.dispatch.providers.contract import Email
from shared.catalogue import Holder
from tests.dispatch.builders import NOON, World
from tests.dispatch.entries import (
    INVENTED,
    a_catalogue,
    a_mailbox,
    a_recipient,
    a_template,
    an_address,
)

TODAY = NOON.date()
DAY = dt.timedelta(days=1)


def a_holder(name: str, **changes: Any) -> Holder:
    fields = {"name": name, "salutations": {"en": f"Dear {name}"}, "source": INVENTED}
    return Holder(**(fields | changes))


def handed_over(world: World, delivery: UUID) -> tuple[str, str | None, str]:
    """The salutation that was sent, and the holder and the address that are kept."""
    world.deliver(delivery)
    [tried] = world.attempts(delivery)
    email = world.emails.handed[-1]
    assert isinstance(email, Email)
    return email.text.partition(",")[0], tried.holder, tried.address


def test_the_holder_changes_between_acceptance_and_sending(world: World) -> None:
    world.catalogue = a_catalogue(
        a_recipient(
            holders=(
                a_holder("Old Holder", until=TODAY),
                a_holder("New Holder", since=TODAY + DAY),
            )
        )
    )
    before, after = world.a_delivery(), world.a_delivery()

    first = handed_over(world, before)
    world.clock.at += DAY
    second = handed_over(world, after)

    assert first == ("Dear Old Holder", "Old Holder", "office@prosecutor.example")
    assert second == ("Dear New Holder", "New Holder", "office@prosecutor.example")
    assert world.attempts(before)[0].holder == "Old Holder"  # what was used stays on record


def test_an_office_that_nobody_holds_is_written_to_as_an_office(world: World) -> None:
    world.catalogue = a_catalogue(
        a_recipient(
            holders=(
                a_holder("Old Holder", until=TODAY - DAY),
                a_holder("Next Holder", since=TODAY + DAY),
            )
        )
    )

    assert handed_over(world, world.a_delivery())[:2] == ("Dear Prosecutor", None)


@pytest.mark.parametrize("turned", [False, True])
def test_on_the_day_on_which_two_hold_it_the_one_who_began_last_is_written_to(
    turned: bool, small_world: World
) -> None:
    holders = (
        a_holder("Old Holder", since=TODAY - 900 * DAY, until=TODAY),
        a_holder("New Holder", since=TODAY),
    )
    ordered = holders[::-1] if turned else holders
    small_world.catalogue = a_catalogue(a_recipient(holders=ordered))

    assert handed_over(small_world, small_world.a_delivery())[1] == "New Holder"


@pytest.mark.parametrize(
    ("salutations", "of_office", "language", "said"),
    [
        ({"pt-BR": "Prezada"}, {"pt": "Exma."}, "pt-BR", "Prezada"),
        ({"pt": "Exma. Senhora"}, {"pt-BR": "Prezados"}, "pt-BR", "Prezados"),
        ({"pt": "Exma. Senhora"}, {}, "pt-BR", "Exma. Senhora"),
        ({}, {"pt": "Exmos. Senhores"}, "pt-BR", "Exmos. Senhores"),
        ({"en": "Dear Minister"}, {"pt": "Exmos. Senhores"}, "pt", "Exmos. Senhores"),
    ],
)
def test_a_salutation_is_in_the_letters_language(
    salutations: dict[str, str],
    of_office: dict[str, str],
    language: str,
    said: str,
    small_world: World,
) -> None:
    office = a_recipient(
        languages=(language,),
        salutations=of_office,
        holders=(a_holder("Holder", salutations=salutations),),
    )
    small_world.catalogue = a_catalogue(office, a_template(language=language))

    assert handed_over(small_world, small_world.a_delivery(language=language))[0] == said


def test_without_a_salutation_in_that_language_a_person_looks(small_world: World) -> None:
    office = a_recipient(
        languages=("fr",),
        salutations={"en": "Dear Prosecutor"},
        holders=(a_holder("Holder", salutations={"es": "Estimado"}),),
    )
    small_world.catalogue = a_catalogue(office, a_template(language="fr"))
    delivery = small_world.a_delivery(language="fr")

    small_world.deliver(delivery)

    assert "No salutation is known" in small_world.delivery(delivery).held_reason


def test_dated_addresses_are_those_of_the_day_too(small_world: World) -> None:
    moved = TODAY + DAY
    small_world.catalogue = a_catalogue(
        a_recipient(
            mailboxes=(a_mailbox(), a_mailbox(email="new@prosecutor.example", since=moved)),
            addresses=(an_address(), an_address(lines=("2 New Street", "Minsk"), since=moved)),
        )
    )
    small_world.clock.at += DAY
    email, letter = small_world.a_delivery(), small_world.a_delivery(channel="letter")

    small_world.deliver(email, letter)

    assert small_world.attempts(email)[0].address == "new@prosecutor.example"
    assert "2 New Street" in small_world.attempts(letter)[0].address
