"""Builds mail as offices and their machines send it.  Everybody in it is invented."""

from email.message import EmailMessage
from typing import Any
from uuid import UUID

from shared.reply_address import reply_address

MAILBOX = "letters@campaign.example"
RECEIVED = "from mx.office.example by mx.campaign.example; Fri, 10 Dec 2021 11:30:00 +0000"
ANSWER = """\
Dear Ada,

The Minister has asked for a new hearing in May. We shall write again when it is over.

Yours sincerely,
Office of the Minister
"""


def a_mail(text: str = ANSWER, *, to: str = MAILBOX, **headers: str) -> bytes:
    """Plain text with these headers; `X_Name` stands for `X-Name`, an empty value leaves it out."""
    told = {
        "Return_Path": "<secretary@office.example>",
        "Received": RECEIVED,
        "From": "Secretary <secretary@office.example>",
        "To": to,
        "Subject": "Re: Please release Zhang Zhan",
        "Message_ID": "<one@office.example>",
        "Date": "Fri, 10 Dec 2021 11:29:00 +0000",
    } | headers
    message = EmailMessage()
    for name, value in told.items():
        if value:
            message[name.replace("_", "-")] = value
    message.set_content(text)
    return message.as_bytes()


def an_answer_to(delivery_id: UUID, text: str = ANSWER, **headers: Any) -> bytes:
    return a_mail(text, to=reply_address(MAILBOX, delivery_id), **headers)


def a_bounce(delivery_id: UUID, *, status: str = "5.1.1") -> bytes:
    """A delivery report as Postfix writes it, to the address of one delivery."""
    return f"""\
Return-Path: <>
Received: {RECEIVED}
From: MAILER-DAEMON@relay.example (Mail Delivery System)
To: {reply_address(MAILBOX, delivery_id)}
Subject: Undelivered Mail Returned to Sender
Message-ID: <bounce@relay.example>
Date: Fri, 10 Dec 2021 11:29:30 +0000
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b1"

--b1
Content-Type: text/plain; charset=us-ascii

I'm sorry to have to inform you that your message could not be delivered.

--b1
Content-Type: message/delivery-status

Reporting-MTA: dns; relay.example
Original-Envelope-Id: {delivery_id}

Final-Recipient: rfc822; office@recipient.example
Action: failed
Status: {status}
Diagnostic-Code: smtp; 550 {status} <office@recipient.example>: no such mailbox

--b1--
""".encode()
