"""Office, holder and address are resolved at the moment of sending, or one delivery is held."""

import datetime as dt
from typing import Any

import pytest

from services.dispatch.due import Due, Hold, Prepared
from services.dispatch.prepare import Preparer
from services.dispatch.providers.contract import Email, Letter
from services.dispatch.rendering.faults import AddressDoesNotFit, GlyphMissing, TooLong
from services.dispatch.rendering.letter import Letter as SetLetter
from services.dispatch.rendering.letter import LetterRequest
from shared.catalogue import Catalogue, Entry, Holder
from tests.dispatch.builders import NOON, FakePress, World, a_due
from tests.dispatch.entries import (
    INVENTED,
    a_case,
    a_catalogue,
    a_mailbox,
    a_policy,
    a_recipient,
    a_template,
    an_address,
)

DAY = NOON.date()
YESTERDAY = DAY - dt.timedelta(days=1)


class BrokenPress(FakePress):
    """Cannot set anything, for the one reason given."""

    def __init__(self, fault: Exception) -> None:
        super().__init__()
        self.fault = fault

    def typeset(self, request: LetterRequest) -> SetLetter:
        raise self.fault


def prepare(due: Due, *changed: Entry, press: FakePress | None = None) -> Prepared:
    catalogue = a_catalogue(*changed)
    return Preparer(lambda: catalogue, press or FakePress()).prepare(due, NOON)


def an_email(due: Due, *changed: Entry) -> Email:
    handover = prepare(due, *changed).handover
    assert isinstance(handover, Email)
    return handover


def a_letter(due: Due, *changed: Entry) -> Letter:
    handover = prepare(due, *changed).handover
    assert isinstance(handover, Letter)
    return handover


LONG = "Ministry of the Most Extraordinarily Long Names of Offices, Department of Lines"
# What the catalogue says, the delivery, and what ops is told.
HOLDS: list[tuple[list[Entry], dict[str, Any], str]] = [
    ([a_case(policy=a_policy(stopped=True))], {}, "The case is stopped."),
    ([], {"case": "gone"}, "is no longer in the catalogue"),
    ([], {"campaign": "gone"}, "is no longer in the catalogue"),
    ([], {"recipient": "gone"}, "is no longer in the catalogue"),
    ([a_case(policy=a_policy(channels=("letter",)))], {}, "no longer allows the channel email"),
    ([], {"kind": "solidarity"}, "There is no solidarity text in 'en', nor in any language"),
    ([a_recipient(salutations={})], {}, "No salutation is known in the language 'en'"),
    ([a_recipient(mailboxes=())], {}, "No mailbox is known"),
    ([a_recipient(mailboxes=(a_mailbox(until=YESTERDAY),))], {}, "No mailbox is known"),
    ([a_recipient(mailboxes=(a_mailbox(hold="it bounced"),))], {}, "it bounced"),
    ([a_recipient(addresses=())], {"channel": "letter"}, "No postal address is known"),
    (
        [a_recipient(addresses=(an_address(since=DAY + dt.timedelta(days=1)),))],
        {"channel": "letter"},
        "No postal address is known",
    ),
    ([a_recipient(paper_hold="only a town")], {"channel": "letter"}, "only a town"),
    (
        [a_recipient(addresses=(an_address(hold="returned"),))],
        {"channel": "letter"},
        "returned",
    ),
    (
        [a_recipient(office=LONG, addresses=(an_address(lines=("a", "b", "c", "d")),))],
        {"channel": "letter"},
        "The address has 8 lines; its window holds 6.",
    ),
    (
        [a_recipient(addresses=(an_address(lines=("x" * 41,)),))],
        {"channel": "letter"},
        "longer than 40 characters",
    ),
]


@pytest.mark.parametrize(("changed", "changes", "reason"), HOLDS)
def test_what_a_person_must_mend_is_held_with_its_reason(
    changed: list[Entry], changes: dict[str, Any], reason: str
) -> None:
    with pytest.raises(Hold, match=reason):
        prepare(a_due(**changes), *changed)


@pytest.mark.parametrize(
    "fault", [AddressDoesNotFit("too wide"), TooLong("3 pages"), GlyphMissing("\U0001f33b")]
)
def test_a_letter_that_cannot_be_printed_is_held(fault: Exception) -> None:
    with pytest.raises(Hold, match="The letter cannot be printed: "):
        prepare(a_due(channel="letter"), press=BrokenPress(fault))


def test_a_fault_of_ours_holds_one_delivery_and_quotes_nobody() -> None:
    with pytest.raises(Hold) as held:
        prepare(a_due(channel="letter"), press=BrokenPress(ValueError("Ana Beispiel")))

    assert str(held.value) == "It cannot be rendered: ValueError."


def test_a_catalogue_that_cannot_be_read_holds_nothing() -> None:
    def unreadable() -> Catalogue:
        raise ConnectionError

    with pytest.raises(ConnectionError):
        Preparer(unreadable, FakePress()).prepare(a_due(), NOON)


@pytest.mark.parametrize("channel", ["email", "letter"])
def test_a_hold_stops_no_other(channel: str, world: World) -> None:
    world.catalogue = a_catalogue(a_recipient(slug="nobody", addresses=(), mailboxes=()))
    held = world.a_delivery(channel=channel, recipient="nobody")
    well = world.a_delivery(channel=channel)

    world.deliver(held, well)

    row = world.delivery(held)
    assert (row.state, row.woken_at, row.attempts) == ("due", None, 0)
    assert row.held_reason.startswith("No ")
    assert world.attempts(held) == []
    assert world.delivery(well).state == "handed_over"


def test_the_holder_of_today_is_written_to() -> None:
    holders = (
        Holder(name="Old", until=YESTERDAY, salutations={"en": "Dear Old"}, source=INVENTED),
        Holder(name="New", since=DAY, salutations={"en": "Dear New"}, source=INVENTED),
    )

    prepared = prepare(a_due(), a_recipient(holders=holders))

    assert prepared.holder == "New"
    assert isinstance(prepared.handover, Email)
    assert prepared.handover.text.startswith("Dear New,")


def test_the_supporter_is_named_in_front_of_our_own_address() -> None:
    email = an_email(a_due())

    assert email.from_ == '"Ana Beispiel via Letters" <letters@send.example>'
    assert email.reply_to == "ana@people.example"
    assert "Ana Beispiel\nSwitzerland" in email.text


@pytest.mark.parametrize(
    ("consent", "policy", "shown"),
    [
        ({}, {}, set()),
        ({"show_name": True}, {}, {"Ana Beispiel"}),
        ({"show_country": True}, {}, {"Switzerland"}),
        ({"replies": True}, {}, {"ana@people.example"}),
        (
            {"show_name": True, "show_country": True},
            {"show_supporter_name": False},
            {"Switzerland"},
        ),
        (
            {"show_name": True, "show_country": True},
            {"show_supporter_country": False},
            {"Ana Beispiel"},
        ),
    ],
)
def test_only_what_supporter_and_case_allow_is_shown(
    consent: dict[str, bool], policy: dict[str, bool], shown: set[str]
) -> None:
    prepared = prepare(a_due(consent=consent), a_case(policy=a_policy(**policy)))

    email = prepared.handover
    assert isinstance(email, Email)
    everything = f"{email.from_}{email.reply_to}{email.text}{email.html}{prepared.content.decode()}"
    people = {"Ana Beispiel", "Switzerland", "ana@people.example"}
    assert {one for one in people if one in everything} == shown


def test_a_letter_carries_the_address_as_it_is_printed() -> None:
    letter = a_letter(a_due(channel="letter"))

    assert letter.lines == ("Prosecutor General", "1 Invented Street", "220000 Minsk", "BELARUS")
    assert (letter.country, letter.pages) == ("BY", 2)
    assert letter.idempotency_key == str(letter.delivery_id)


def test_the_holder_gives_way_where_the_window_is_full() -> None:
    holder = Holder(name="A. Holder", salutations={"en": "Dear"}, source=INVENTED)
    short = a_recipient(holders=(holder,))
    full = a_recipient(holders=(holder,), addresses=(an_address(lines=("a", "b", "c", "d")),))

    lines = [a_letter(a_due(channel="letter"), one).lines for one in (short, full)]

    assert lines[0][0] == "A. Holder"
    assert lines[1] == ("Prosecutor General", "a", "b", "c", "d", "BELARUS")


def test_the_address_really_used_is_stored() -> None:
    assert prepare(a_due()).address == "office@prosecutor.example"
    assert prepare(a_due(channel="letter")).address.splitlines()[-1] == "BELARUS"


def test_a_document_has_a_place_of_its_own_for_each_attempt() -> None:
    first = a_due()

    assert prepare(first).document == f"letters/mikita/email/2026-06-01/{first.id}-1.eml"
    third = a_due(channel="letter", attempts=2)
    assert prepare(third).document.endswith(f"{third.id}-3.pdf")


@pytest.mark.parametrize("language", ["xx", "en-abcd1234-xx"])
def test_a_language_that_no_table_knows_is_dated_in_english(language: str) -> None:
    recipient = a_recipient(salutations={language: "Hello"})
    press = FakePress()

    prepare(
        a_due(channel="letter", language=language),
        recipient,
        a_template(language=language),
        press=press,
    )

    assert "June 1, 2026" in press.set[0].place_date


def test_the_words_stay_as_they_were_typed() -> None:
    email = an_email(a_due(words="**Free** {{ case }} & <b>him</b>\n# now"))

    assert "**Free** {{ case }} & <b>him</b>\n# now" in email.text
    assert "**Free** {{ case }} &amp; &lt;b&gt;him&lt;/b&gt;<br>\n# now" in email.html


@pytest.mark.parametrize(
    ("language", "dated"),
    [
        ("en", "{place}, 1 June 2026"),
        ("es", "{place}, 1 de junio de 2026"),
        # Each in an isolate: a town in Latin letters would jumble an Arabic date.
        ("ar", "\u2068{place}\u2069, \u20681 يونيو 2026\u2069"),
    ],
)
def test_a_letter_is_dated_as_its_language_does(language: str, dated: str) -> None:
    recipient, press = a_recipient(salutations={language: "Hello"}), FakePress()
    place = next(iter(a_catalogue().campaigns.values())).sender.place

    prepare(
        a_due(channel="letter", language=language),
        recipient,
        a_template(language=language),
        press=press,
    )

    assert press.set[0].place_date == dated.format(place=place)


@pytest.mark.parametrize("asked", [True, False])
def test_who_opens_an_email_is_watched_only_where_the_campaign_asks(*, asked: bool) -> None:
    campaign = a_catalogue().campaigns["letters"].model_copy(update={"follow_reading": asked})

    assert an_email(a_due(), campaign).follow_reading is asked
