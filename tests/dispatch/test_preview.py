"""What a preview shows is what would leave, and of a secret recipient nothing that is secret."""

import base64
import datetime as dt
from pathlib import Path
from typing import Any

import pypdfium2
import pytest

from services.dispatch.plan import choose
from services.dispatch.prepare import Preparer
from services.dispatch.preview import HIDDEN, NUMBER, Previewer, TooSlow
from services.dispatch.providers.contract import Email, Letter
from services.dispatch.rendering.faults import AddressDoesNotFit, GlyphMissing, TooLong
from services.dispatch.rendering.inspection import inspect_file
from services.dispatch.rendering.letter import Letter as SetLetter
from services.dispatch.rendering.letter import LetterPress, LetterRequest
from shared.catalogue import Catalogue, Channel, Entry, Holder, Kind
from shared.pages import PDFIUM, page_picture
from shared.previews import Obstacle, Preview, PreviewOrder
from tests.dispatch.builders import NOON, FakePress, a_due
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

STREET = "12 Secret Lane"
NEIGHBOUR = "Mrs Invented, who keeps the post"
LATER = NOON + dt.timedelta(days=3)


class BrokenPress(FakePress):
    """Cannot set anything, for the one reason given."""

    def __init__(self, fault: Exception) -> None:
        super().__init__()
        self.fault = fault

    def typeset(self, request: LetterRequest) -> SetLetter:
        raise self.fault


class PressThatStumbles(LetterPress):
    """Cannot set the one address that must stay secret."""

    def typeset(self, request: LetterRequest) -> SetLetter:
        if STREET in request.address:
            raise GlyphMissing("\U0001f33b")
        return super().typeset(request)


@pytest.fixture(scope="module")
def press(tmp_path_factory: pytest.TempPathFactory) -> LetterPress:
    """A real one: what it sets can be looked at."""
    return LetterPress(tmp_path_factory.mktemp("press"))


def an_order(**changes: Any) -> PreviewOrder:
    fields: dict[str, Any] = {
        "mode": "live",
        "campaign": "letters",
        "case": "mikita",
        "kind": "appeal",
        "channel": "email",
        "language": "en",
        "recipients": ("prosecutor",),
        "supporter_name": "Ana Beispiel",
        "supporter_email": "ana@people.example",
        "supporter_country": "CH",
        "words": "I think of him.",
        "consent": {"show_name": True, "show_country": True, "replies": True},
    }
    return PreviewOrder(**fields | changes)


def previews(order: PreviewOrder, catalogue: Catalogue, press: LetterPress) -> list[Preview]:
    return list(Previewer(lambda: catalogue, press).preview(order, NOON, in_time=lambda: True))


def a_preview(order: PreviewOrder, *changed: Entry, press: LetterPress) -> Preview:
    [only] = previews(order, a_catalogue(*changed), press)
    return only


def reasons(preview: Preview) -> list[Obstacle]:
    return [one.code for one in preview.hindrances]


def the_family() -> list[Entry]:
    """A solidarity recipient of whom nothing may be known, and a text for it."""
    return [
        a_case(solidarity=("family",)),
        a_template(kind=Kind.SOLIDARITY, body="{{ salutation }},\n\n{{ words }}\n\n{{ office }}"),
        a_recipient(
            slug="family",
            kind="solidarity",
            office=NEIGHBOUR,
            holders=(Holder(name="Aunt Vera", salutations={"en": "Dear you"}, source=INVENTED),),
            addresses=(an_address(lines=(STREET,), country="PL"),),
        ),
    ]


def test_an_email_is_shown_as_it_would_leave(press: LetterPress) -> None:
    shown = a_preview(an_order(), press=press)

    left = Preparer(a_catalogue, press).prepare(a_due(id=NUMBER), NOON).handover
    assert isinstance(left, Email)
    assert (shown.subject, shown.text, shown.html) == (left.subject, left.text, left.html)
    assert (shown.pdf, shown.pages, shown.hindrances) == (None, (), ())


def test_a_letter_is_shown_as_the_very_file_that_would_be_printed(press: LetterPress) -> None:
    shown = a_preview(an_order(channel="letter"), press=press)

    left = Preparer(a_catalogue, press).prepare(a_due(id=NUMBER, channel="letter"), NOON).handover
    assert isinstance(left, Letter)
    assert base64.b64decode(shown.pdf or "") == left.pdf
    assert [base64.b64decode(one) for one in shown.pages] == [page_picture(left.pdf, 0)]
    assert inspect_file(left.pdf) == 1


def test_the_carrier_and_the_reason_are_the_plans_own(press: LetterPress) -> None:
    embargoed = a_case(policy=a_policy(embargo_until=LATER))

    shown = a_preview(an_order(), embargoed, press=press)

    choice = choose("email", embargoed, NOON)
    assert (shown.carrier, shown.why) == (choice.carrier, choice.why)
    assert reasons(shown) == [Obstacle.EMBARGO]
    assert shown.text is not None


@pytest.mark.parametrize("channel", [Channel.POSTCARD, Channel.PETITION])
def test_what_nobody_makes_yet_is_planned_and_says_that_it_waits(channel: str) -> None:
    shown = a_preview(an_order(channel=channel), press=FakePress())

    choice = choose(channel, None, NOON)
    assert shown.carrier == choice.carrier
    assert [one.detail for one in shown.hindrances] == [choice.held]
    assert (shown.text, shown.pdf) == (None, None)


def test_the_holder_of_today_is_named() -> None:
    holders = (
        Holder(name="Old", until=NOON.date() - dt.timedelta(days=1), source=INVENTED),
        Holder(name="New", since=NOON.date(), source=INVENTED),
    )

    shown = a_preview(an_order(), a_recipient(holders=holders), press=FakePress())

    assert shown.holder == "New"


def test_every_recipient_has_its_own_in_the_order_asked_for() -> None:
    other = a_recipient(slug="minister", salutations={"en": "Dear Minister"})

    shown = previews(
        an_order(recipients=("minister", "prosecutor")), a_catalogue(other), FakePress()
    )

    assert [one.recipient for one in shown] == ["minister", "prosecutor"]
    assert (shown[0].text or "").startswith("Dear Minister")


@pytest.mark.parametrize(
    ("changed", "channel", "detail"),
    [
        (a_recipient(mailboxes=()), "email", "No mailbox is known for this office today."),
        (a_recipient(mailboxes=(a_mailbox(hold="it bounced"),)), "email", "it bounced"),
        (a_recipient(paper_hold="only a town"), "letter", "only a town"),
    ],
)
def test_without_an_address_the_text_is_shown_and_the_reason_told(
    changed: Entry, channel: str, detail: str, press: LetterPress
) -> None:
    shown = a_preview(an_order(channel=channel), changed, press=press)

    assert [(one.code, one.detail) for one in shown.hindrances] == [(Obstacle.NO_ADDRESS, detail)]
    assert shown.text or shown.pdf


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (GlyphMissing("\U0001f33b"), Obstacle.GLYPH_MISSING),
        (TooLong("3 pages"), Obstacle.TOO_LONG),
        (AddressDoesNotFit("too wide"), Obstacle.ADDRESS_DOES_NOT_FIT),
        (ValueError("Ana Beispiel"), Obstacle.HELD),
    ],
)
def test_a_letter_that_would_be_held_says_why_and_quotes_nobody(
    fault: Exception, code: Obstacle
) -> None:
    shown = a_preview(an_order(channel="letter"), press=BrokenPress(fault))

    assert reasons(shown) == [code]
    assert "Ana" not in shown.hindrances[0].detail
    assert shown.pdf is None


def test_a_stopped_case_shows_nothing() -> None:
    shown = a_preview(an_order(), a_case(policy=a_policy(stopped=True)), press=FakePress())

    assert [one.detail for one in shown.hindrances] == ["The case is stopped."]
    assert shown.text is None


def test_a_solidarity_recipient_stays_secret(press: LetterPress) -> None:
    to_family = {"kind": "solidarity", "recipients": ("family",)}
    letter = a_preview(an_order(channel="letter", **to_family), *the_family(), press=press)
    email = a_preview(an_order(**to_family), *the_family(), press=press)

    assert (letter.holder, email.holder) == (None, None)
    assert (letter.hindrances, email.hindrances) == ((), ())
    seen = email.model_dump_json() + text_of(letter)
    assert HIDDEN in seen
    for secret in (STREET, "Secret", NEIGHBOUR, "Invented", "Vera", "POLAND", "Poland"):
        assert secret not in seen


def test_why_a_secret_address_is_held_is_secret_too(press: LetterPress) -> None:
    moved = a_recipient(slug="family", kind="solidarity", paper_hold="She fled to Vilnius")
    order = an_order(kind="solidarity", channel="letter", recipients=("family",))

    shown = a_preview(order, *the_family(), moved, press=press)

    assert reasons(shown) == [Obstacle.NO_ADDRESS]
    assert "Vilnius" not in shown.model_dump_json()
    assert shown.pdf is not None


def test_what_is_wrong_with_a_secret_address_is_secret_too(tmp_path: Path) -> None:
    order = an_order(kind="solidarity", channel="letter", recipients=("family",))

    shown = a_preview(order, *the_family(), press=PressThatStumbles(tmp_path))

    assert reasons(shown) == [Obstacle.NO_ADDRESS]
    assert "U+1F33B" not in shown.model_dump_json()


def test_a_preview_ends_when_nobody_waits_for_it_any_more() -> None:
    left = iter([True, False])
    order = an_order(recipients=("prosecutor", "prosecutor"))
    made = Previewer(a_catalogue, FakePress()).preview(order, NOON, in_time=lambda: next(left))

    assert next(made).recipient == "prosecutor"
    with pytest.raises(TooSlow):
        next(made)


def test_a_preview_writes_no_file(tmp_path: Path) -> None:
    a_preview(an_order(channel="letter"), press=LetterPress(tmp_path / "press"))

    assert list(tmp_path.iterdir()) == []


def text_of(shown: Preview) -> str:
    with PDFIUM, pypdfium2.PdfDocument(base64.b64decode(shown.pdf or "")) as document:
        return "".join(page.get_textpage().get_text_range() for page in document)
