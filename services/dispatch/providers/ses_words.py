"""Writes emails in the words of SES: one alone, or many in one call.

In: emails.  Out: the arguments of boto3's `send_email` and `send_bulk_email`.

In a bulk call every email is the same template, which holds nothing but three placeholders, and
its words come as data.  SES fills them in without escaping HTML ("SES doesn't escape HTML content
when rendering the HTML template", docs.aws.amazon.com/ses/latest/dg/send-personalized-email-
advanced.html), knows only simple substitutions in a template that comes with the call (API
reference, "Template"), and reads data as data: what a supporter wrote stays as it was typed.
"""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from services.dispatch.providers.contract import Attachment, Email

if TYPE_CHECKING:  # the stubs are a development tool
    from mypy_boto3_sesv2.type_defs import (
        AttachmentTypeDef,
        BulkEmailEntryTypeDef,
        ConfigurationOverridesTypeDef,
        ContentTypeDef,
        MessageHeaderTypeDef,
        MessageTagTypeDef,
        MessageTypeDef,
        TemplateTypeDef,
    )

DELIVERY_TAG = "delivery_id"  # tracking finds the delivery of an event by it
CAMPAIGN_TAG = "campaign"
MOST_ENTRIES = 50  # quotas page: destinations in one call
MOST_DATA_CHARS = 262_144  # botocore's model, EmailTemplateData
MOST_BYTES = 40 * 1024 * 1024  # quotas page: a message after encoding, attachments included

TEMPLATE: "TemplateTypeDef" = {
    "TemplateContent": {"Subject": "{{subject}}", "Text": "{{text}}", "Html": "{{html}}"},
    "TemplateData": "{}",
}


def message(email: Email) -> "MessageTypeDef":
    """`Simple` content."""
    written: MessageTypeDef = {
        "Subject": _utf8(email.subject),
        "Body": {"Text": _utf8(email.text), "Html": _utf8(email.html)},
    }
    if email.headers:
        written["Headers"] = headers(email)
    if email.attachments:
        written["Attachments"] = [_attachment(one) for one in email.attachments]
    return written


def entry(email: Email) -> "BulkEmailEntryTypeDef":
    """One entry of a bulk call: to whom, and what its placeholders stand for."""
    written: BulkEmailEntryTypeDef = {
        "Destination": {"ToAddresses": [email.to]},
        "ReplacementTags": tags(email),
        "ReplacementEmailContent": {
            "ReplacementTemplate": {"ReplacementTemplateData": template_data(email)}
        },
    }
    if email.headers:
        written["ReplacementHeaders"] = headers(email)
    return written


def template_data(email: Email) -> str:
    """What the placeholders stand for, as the JSON that SES reads."""
    words = {"subject": email.subject, "text": email.text, "html": email.html}
    return json.dumps(words, ensure_ascii=False)


def tags(email: Email) -> "list[MessageTagTypeDef]":
    """Names and values are of `[A-Za-z0-9_-]`, 256 at most: an id and a slug fit."""
    named: list[MessageTagTypeDef] = [{"Name": DELIVERY_TAG, "Value": str(email.delivery_id)}]
    if email.campaign:
        named.append({"Name": CAMPAIGN_TAG, "Value": email.campaign})
    return named


def headers(email: Email) -> "list[MessageHeaderTypeDef]":
    return [{"Name": name, "Value": value} for name, value in email.headers]


def watching(*emails: Email) -> "ConfigurationOverridesTypeDef":
    """Whether SES adds its image and rewrites links, whatever the configuration set says.

    A call has one answer for all that is in it: nobody is watched who should not be.
    """
    if all(email.follow_reading for email in emails):
        return {"Tracking": {"OpenTrackingEnabled": "ENABLED", "ClickTrackingEnabled": "ENABLED"}}
    return {"Tracking": {"OpenTrackingEnabled": "DISABLED", "ClickTrackingEnabled": "DISABLED"}}


def least_bytes(email: Email) -> int:
    """What an email weighs at least when it is encoded: base64 makes four bytes of three."""
    files = sum(len(one.content) for one in email.attachments)
    return files * 4 // 3 + len(email.text) + len(email.html)


def one_sender(emails: Sequence[Email]) -> bool:
    """Whether all may be in one call, which has one From and one Reply-To."""
    return len({(one.from_, one.reply_to) for one in emails}) <= 1


def _attachment(file: Attachment) -> "AttachmentTypeDef":
    return {
        "FileName": file.filename,
        "ContentType": file.content_type,
        "ContentDisposition": "ATTACHMENT",
        "ContentTransferEncoding": "BASE64",
        "RawContent": file.content,
    }


def _utf8(text: str) -> "ContentTypeDef":
    return {"Data": text, "Charset": "UTF-8"}
