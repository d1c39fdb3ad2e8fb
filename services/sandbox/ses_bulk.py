"""Reads one SendBulkEmail request as SES does, and writes each of its emails from the template.

In: the JSON body.  Out: for each entry an `Email`, or a `Refused` with the words of SES.
Sources: botocore's sesv2 model; "Using templates to send personalized email" in the SES developer
guide: no HTML is escaped, values are data and never read as a template, and an email that lacks a
value is taken all the same, and then fails to render.
"""

import json
import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_pascal

from services.sandbox.ses_email import (
    MAX_BYTES,
    TOO_LARGE,
    Email,
    Refused,
    bad_request,
    check_email,
    first_fault,
)

MAX_ENTRIES = 50
MAX_DATA = 262_144  # characters
# Templates that come with the call know simple substitutions alone (aws/aws-sdk-js-v3#6657).
PLACEHOLDER = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
NAME = re.compile(r"\s*([A-Za-z_][A-Za-z0-9_]*)\s*")

Json = dict[str, Any]
Data = Annotated[str, Field(max_length=MAX_DATA)]


class _Part(BaseModel):
    model_config = ConfigDict(alias_generator=to_pascal)


class _TemplateContent(_Part):
    subject: str = ""
    text: str | None = None
    html: str | None = None


class _Template(_Part):
    template_content: _TemplateContent
    template_data: Data = "{}"
    headers: list[Json] = []
    attachments: list[Json] = []


class _Content(_Part):
    template: _Template


class _ReplacementTemplate(_Part):
    replacement_template_data: Data = "{}"


class _ReplacementContent(_Part):
    replacement_template: _ReplacementTemplate = _ReplacementTemplate()


class _Entry(_Part):
    destination: Json
    replacement_tags: list[Json] = []
    replacement_email_content: _ReplacementContent = _ReplacementContent()
    replacement_headers: list[Json] = []


class _SendBulkEmail(_Part):
    default_content: _Content
    bulk_email_entries: Annotated[list[_Entry], Field(min_length=1, max_length=MAX_ENTRIES)]
    from_email_address: str = ""
    reply_to_addresses: list[str] = []
    default_email_tags: list[Json] = []
    configuration_set_name: str | None = None


class _Unrendered(Exception):
    """The template asks for what the data do not have."""


def read_bulk(body: bytes) -> list[Email | Refused]:
    """The emails of a SendBulkEmail request.  Raises Refused where the whole of it is."""
    if len(body) > MAX_BYTES:
        raise Refused(TOO_LARGE)
    try:
        asked = _SendBulkEmail.model_validate_json(body)
    except ValidationError as error:
        raise bad_request(first_fault(error)) from error
    content = asked.default_content.template.template_content
    for part in (content.subject, content.text, content.html):
        _check_template(part or "")
    return [_email(asked, entry) for entry in asked.bulk_email_entries]


def _check_template(text: str) -> None:
    if not all(NAME.fullmatch(found) for found in PLACEHOLDER.findall(text)):
        raise bad_request("Template contains unsupported operations.")


def _email(asked: _SendBulkEmail, entry: _Entry) -> Email | Refused:
    template = asked.default_content.template
    replacement = entry.replacement_email_content.replacement_template
    try:
        data = _data(template.template_data) | _data(replacement.replacement_template_data)
        try:
            return _checked(asked, entry, _rendered(template.template_content, data))
        except _Unrendered as error:
            email = _checked(asked, entry, _rendered(template.template_content, None))
            return email.model_copy(update={"rendering_error": str(error)})
    except Refused as refused:
        return refused


def _checked(asked: _SendBulkEmail, entry: _Entry, words: Json) -> Email:
    template = asked.default_content.template
    tags = {str(tag.get("Name")): tag for tag in asked.default_email_tags + entry.replacement_tags}
    headers = {
        str(one.get("Name")).lower(): one for one in template.headers + entry.replacement_headers
    }
    simple = {**words, "Headers": [*headers.values()], "Attachments": template.attachments}
    return check_email(
        {
            "FromEmailAddress": asked.from_email_address,
            "ReplyToAddresses": asked.reply_to_addresses,
            "Destination": entry.destination,
            "EmailTags": [*tags.values()],
            "ConfigurationSetName": asked.configuration_set_name,
            "Content": {"Simple": simple},
        }
    )


def _data(text: str) -> Json:
    try:
        read = json.loads(text)
    except ValueError as error:
        raise bad_request("Template data is not JSON.") from error
    if not isinstance(read, dict):
        raise bad_request("Template data is no object.")
    return read


def _rendered(template: _TemplateContent, data: Mapping[str, Any] | None) -> Json:
    """Subject and Body of `Simple` content; without data, as the template stands."""
    parts = {"Text": template.text, "Html": template.html}
    body = {name: {"Data": _fill(part, data)} for name, part in parts.items() if part is not None}
    return {"Subject": {"Data": _fill(template.subject, data)}, "Body": body}


def _fill(text: str, data: Mapping[str, Any] | None) -> str:
    """Raises _Unrendered.  One pass: what comes in is not looked at again."""
    if data is None:
        return text

    def value(found: re.Match[str]) -> str:
        name = found[1].strip()
        if name not in data:
            raise _Unrendered(f"Attribute '{name}' is not present in the rendering data.")
        return str(data[name])

    return PLACEHOLDER.sub(value, text)
