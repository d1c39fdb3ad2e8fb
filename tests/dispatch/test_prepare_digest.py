"""A digest as an email: from the campaign, to the office, with what each person agreed to show."""

import datetime as dt
from email import message_from_bytes, policy
from typing import Any

import pytest

from services.dispatch import prepare_digest as module
from services.dispatch.due import Due, Hold, Moot, Prepared
from services.dispatch.prepare import Preparer
from services.dispatch.prepare_digest import prepare_digest
from services.dispatch.providers.contract import Email
from services.dispatch.rendering.faults import Check, PageFault
from shared.catalogue import Catalogue, Entry, Replies
from shared.reply_address import delivery_of
from tests.dispatch.builders import NOON, FakePress, a_due
from tests.dispatch.entries import a_case, a_catalogue, a_mailbox, a_policy, a_recipient
from tests.dispatch.rendering.digests import an_entry, some_entries


def a_digest(**changes: Any) -> Due:
    fields: dict[str, Any] = {
        "carrier": "digest",
        "supporter_name": None,
        "supporter_email": None,
        "supporter_country": None,
        "words": None,
        "consent": {},
        "entries": tuple(some_entries(3)),
        "people": 3,
    }
    return a_due(**fields | changes)


def prepared(due: Due, *changed: Entry) -> Prepared:
    return prepare_digest(due, a_catalogue(*changed), NOON)


def an_email(due: Due, *changed: Entry) -> Email:
    handover = prepared(due, *changed).handover
    assert isinstance(handover, Email)
    return handover


def test_it_comes_from_the_campaign_and_goes_to_the_office() -> None:
    due = a_digest()

    ready = prepared(due)
    email = ready.handover

    assert isinstance(email, Email)
    assert email.from_ == '"Friends of Letters" <letters@send.example>'
    assert (email.to, email.reply_to) == ("office@prosecutor.example", None)
    assert email.subject == "3 people wrote to you about Mikita"
    assert email.text.startswith("Dear Prosecutor,\n\n3 people wrote")
    assert email.attachments == ()
    assert (ready.address, ready.holder) == ("office@prosecutor.example", None)


def test_answers_go_where_the_campaign_reads_them() -> None:
    catalogue = a_catalogue()
    campaign = catalogue.campaigns["letters"]
    sender = campaign.sender.model_copy(update={"mailbox": "answers@letters.example"})
    reading = campaign.model_copy(update={"replies": Replies.CAMPAIGN, "sender": sender})
    due = a_digest()

    reply_to = an_email(due, reading).reply_to

    assert reply_to is not None
    assert delivery_of(reply_to) == due.id


@pytest.mark.parametrize(
    ("shows", "said"),
    [
        ({}, "1. Ana Beispiel, Switzerland ["),
        ({"show_supporter_name": False}, "1. Name not given, Switzerland ["),
        ({"show_supporter_country": False}, "1. Ana Beispiel ["),
    ],
)
def test_the_case_may_show_less_than_people_agreed_to(shows: dict[str, bool], said: str) -> None:
    email = an_email(a_digest(), a_case(policy=a_policy(**shows)))

    assert said in email.text
    assert "Ana" in email.text + email.html or "show_supporter_name" in shows


def test_a_long_one_has_its_pages_attached_and_they_are_kept_with_it() -> None:
    ready = prepared(a_digest(entries=tuple(some_entries(60)), people=60))

    assert isinstance(ready.handover, Email)
    [pages] = ready.handover.attachments
    assert (pages.filename, pages.content_type) == ("mikita-2026-06-01.pdf", "application/pdf")
    kept = message_from_bytes(ready.content, policy=policy.default)
    [attached] = kept.iter_attachments()
    assert attached.get_payload(decode=True) == pages.content
    assert ready.document.endswith("-1.eml")


def test_one_too_large_to_arrive_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_BYTES", 1000)

    with pytest.raises(Hold, match=r"^Its message has \d+ bytes, and may have 1000\.$"):
        prepared(a_digest())


def test_pages_that_cannot_be_set_hold_it_and_quote_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    def fault(*_: object, **__: object) -> None:
        raise PageFault(Check.SET)

    monkeypatch.setattr(module, "write_digest", fault)

    with pytest.raises(Hold, match="pages cannot be set: the letter failed the check: set"):
        prepared(a_digest())


def test_one_of_which_nothing_is_left_is_not_needed() -> None:
    with pytest.raises(Moot, match="erased"):
        prepared(a_digest(entries=(), people=0))


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        (a_case(policy=a_policy(stopped=True)), "The case is stopped."),
        (a_recipient(mailboxes=()), "No mailbox is known"),
        (a_recipient(mailboxes=(a_mailbox(hold="it bounced"),)), "it bounced"),
    ],
)
def test_what_holds_a_single_email_holds_a_digest(changed: Entry, reason: str) -> None:
    with pytest.raises(Hold, match=reason):
        prepared(a_digest(), changed)


def test_the_preparer_knows_a_digest_by_its_carrier() -> None:
    catalogue: Catalogue = a_catalogue()
    late = NOON + dt.timedelta(days=1)

    ready = Preparer(lambda: catalogue, FakePress()).prepare(a_digest(), late)

    assert isinstance(ready.handover, Email)
    assert "1. Ana Beispiel, Switzerland" in ready.handover.text


def test_a_fault_of_ours_holds_it_and_quotes_nobody() -> None:
    broken = a_digest(entries=(an_entry(1, words=7),))

    with pytest.raises(Hold, match=r"^It cannot be rendered: \w+\.$"):
        Preparer(a_catalogue, FakePress()).prepare(broken, NOON)
