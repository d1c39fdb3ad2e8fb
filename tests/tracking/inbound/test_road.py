"""What dispatch writes into an email is what tracking knows its answer by, whoever carries it."""

import re
from email import message_from_bytes

import pytest

from services.dispatch.providers.contract import Email
from services.dispatch.providers.mail.message import write
from services.dispatch.rendering.mime import address
from services.dispatch.replies import from_name, reply_to
from services.tracking.inbound.match import Match, MatchedBy
from services.tracking.receipts import smtp
from shared.catalogue import Campaign, Replies
from shared.database import Database
from tests.tracking.builders import NOON, a_delivery, noon
from tests.tracking.inbound.letters import MAILBOX, a_mail
from tests.tracking.inbound.test_keep import facts, keep, sent
from tests.tracking.test_api import THE_CAMPAIGN


def an_email(database: Database) -> Email:
    """As dispatch prepares it for a campaign that reads its answers."""
    campaign = Campaign.model_validate({**THE_CAMPAIGN, "replies": Replies.CAMPAIGN})
    sender = campaign.sender.model_copy(update={"mailbox": MAILBOX})
    campaign = campaign.model_copy(update={"sender": sender})
    with database.begin() as connection:
        delivery = a_delivery(connection)
    return Email(
        delivery_id=delivery,
        from_=address(from_name(campaign, "Ada Example"), sender.email),
        to="office@recipient.example",
        reply_to=reply_to(campaign, delivery, supporter=None),
        subject="Please release Zhang Zhan",
        text="Dear Minister",
        html="<p>Dear Minister</p>",
    )


def by_relay(email: Email) -> tuple[str, str, str]:
    """Its Reply-To, Message-ID and return path as a relay gets them."""
    written = write(email, bounce_address="bounces@campaign.example", now=NOON)
    message = message_from_bytes(written.content)
    return message["Reply-To"], message["Message-ID"], written.sender


def test_an_answer_to_its_reply_address_comes_home(database: Database) -> None:
    email = an_email(database)

    [kept] = keep(database, a_mail(to=by_relay(email)[0]))

    assert kept.match == Match(email.delivery_id, MatchedBy.TOKEN)


def test_an_answer_to_its_from_address_comes_home(database: Database) -> None:
    email = an_email(database)
    message_id = by_relay(email)[1]

    [kept] = keep(database, a_mail(to="w@send.example", In_Reply_To=message_id))

    assert kept.match == Match(email.delivery_id, MatchedBy.REFERENCES)


def test_a_machines_answer_to_the_return_path_comes_home(database: Database) -> None:
    email = an_email(database)

    [kept] = keep(database, a_mail(to=by_relay(email)[2], Auto_Submitted="auto-replied"))

    assert kept.match == Match(email.delivery_id, MatchedBy.TOKEN)


@pytest.mark.parametrize("region", ["eu-central-1", "us-west-2", "email"])
def test_an_answer_through_amazon_comes_home(region: str, database: Database) -> None:
    number = "010701a2b3c4d5e6-6f0b1c1e-0000-4000-8000-000000000000-000000"
    delivery = sent(database, provider_id=number)
    answered = f"<{number}@{region}.amazonses.com>"

    [kept] = keep(database, a_mail(In_Reply_To=answered))

    assert kept.match == Match(delivery, MatchedBy.REFERENCES)


def test_a_relays_report_tells_its_status(database: Database) -> None:
    email = an_email(database)
    report = f"""\
Return-Path: <>
From: MAILER-DAEMON@relay.example
To: {by_relay(email)[2]}
Date: Fri, 10 Dec 2021 11:29:30 +0000
Content-Type: multipart/report; report-type=delivery-status; boundary=b

--b
Content-Type: text/plain

It failed.
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; relay.example

Final-Recipient: rfc822; office@recipient.example
Action: failed
Status: 5.2.2
--b--
"""

    [kept] = keep(database, report.encode(), read_report=lambda one: smtp.read(one, clock=noon))

    assert kept.match.delivery_id == email.delivery_id
    assert facts(database) == [(email.delivery_id, "bounced", "mailbox_full")]


def test_the_reply_address_looks_like_no_machines(database: Database) -> None:
    local = by_relay(an_email(database))[0].partition("@")[0]

    assert max(map(len, re.split("[-+]", local))) <= 7
