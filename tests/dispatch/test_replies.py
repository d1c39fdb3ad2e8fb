"""A campaign says where answers go and whose name is shown; nothing else is ever shown."""

from typing import Any

import pytest

from services.dispatch.replies import FROM_NAME, from_name, reply_to
from shared.catalogue import Campaign, Replies
from shared.clock import new_id
from shared.reply_address import delivery_of
from tests.dispatch.builders import a_due
from tests.dispatch.entries import a_catalogue
from tests.dispatch.test_prepare import an_email

ADA = "ada@supporter.example"


def a_campaign(sender: dict[str, Any] | None = None, **changes: Any) -> Campaign:
    [campaign] = a_catalogue().campaigns.values()
    told = campaign.sender.model_copy(update=sender or {})
    return campaign.model_copy(update={"sender": told, **changes})


def by_campaign(**changes: Any) -> Campaign:
    return a_campaign({"mailbox": "we@campaign.example"}, replies=Replies.CAMPAIGN, **changes)


@pytest.mark.parametrize("supporter", [ADA, None])
def test_answers_go_to_the_supporter_who_asked_for_them(supporter: str | None) -> None:
    assert reply_to(a_campaign(), new_id(), supporter=supporter) == supporter


@pytest.mark.parametrize("supporter", [ADA, None])
def test_answers_go_to_the_campaign_under_the_deliverys_own_address(supporter: str | None) -> None:
    delivery = new_id()

    address = reply_to(by_campaign(), delivery, supporter=supporter)

    assert address is not None
    assert address.startswith("we+")
    assert address.endswith("@campaign.example")
    assert delivery_of(address) == delivery


def test_a_campaign_that_wants_no_answers_names_no_address() -> None:
    campaign = a_campaign({"mailbox": "we@campaign.example"}, replies=Replies.NONE)

    assert reply_to(campaign, new_id(), supporter=ADA) is None


def test_a_campaign_without_its_mailbox_shows_nobody_elses() -> None:
    assert reply_to(a_campaign(replies=Replies.CAMPAIGN), new_id(), supporter=ADA) is None


def test_a_supporters_name_stands_before_the_campaigns() -> None:
    campaign = a_campaign(name="Letters 2030")

    assert from_name(campaign, "Ada Example") == "Ada Example via Letters 2030"
    assert from_name(campaign, "A" * 500) == "A" * FROM_NAME + " via Letters 2030"


def test_a_campaign_may_send_under_one_name_alone() -> None:
    campaign = a_campaign({"show_supporter": False, "name": "Letters"})

    assert from_name(campaign, "Ada Example") == "Letters"
    assert from_name(campaign, None) == "Letters"


def test_an_email_follows_the_policy() -> None:
    due = a_due(supporter_email=ADA, consent={"show_name": True, "replies": True})
    one_name = {"mailbox": "we@campaign.example", "show_supporter": False}

    to_supporter = an_email(due)
    to_campaign = an_email(due, a_campaign(one_name, replies=Replies.CAMPAIGN))
    to_nobody = an_email(due, a_campaign(one_name, replies=Replies.NONE))

    assert to_supporter.reply_to == ADA
    assert delivery_of(to_campaign.reply_to or "") == due.id
    assert to_nobody.reply_to is None
    assert "Ada" not in to_nobody.from_ + to_campaign.from_
