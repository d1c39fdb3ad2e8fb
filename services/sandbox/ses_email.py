"""Reads one SendEmail request and checks it as SES does; knows no web framework.

In: the JSON body.  Out: an `Email`, or a `Refused` with the words of SES.
Source of the rules: botocore's sesv2 model and the Amazon SES developer guide.
"""

from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message
from email.parser import BytesHeaderParser
from email.utils import getaddresses
from hashlib import sha256
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_pascal

MAX_BYTES = 40 * 1024 * 1024
MAX_RECIPIENTS = 50
MAX_HEADER = 996  # name and value together
# Headers that SES writes itself from other fields of the request.
OWN_HEADERS = ("from", "to", "cc", "subject", "reply-to")


@dataclass(frozen=True, slots=True)
class Refusal:
    """How SES says no: an HTTP status, the name of its exception, and a message."""

    status: int
    kind: str
    message: str


TOO_LARGE = Refusal(413, "RequestEntityTooLargeException", "Request is too large.")


class Refused(Exception):
    """SES would not take this request."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.kind)
        self.refusal = refusal


class File(BaseModel):
    """What SES remembers of an attachment: enough to know it again, however large it was."""

    model_config = ConfigDict(frozen=True)

    filename: str
    content_type: str
    size: int  # bytes
    sha256: str


class Email(BaseModel):
    """What SES remembers of an email it took."""

    model_config = ConfigDict(frozen=True)

    source: str
    to: list[str]
    cc: list[str]
    destination: list[str]  # bare addresses of all recipients
    reply_to: list[str]
    subject: str
    headers: list[tuple[str, str]]
    tags: dict[str, str]
    configuration_set: str | None
    text_sha256: str | None = None  # of the bodies as UTF-8
    html_sha256: str | None = None
    attachments: list[File] = []
    rendering_error: str | None = None  # set: it was taken, and then its template lacked a value


class _Part(BaseModel):
    model_config = ConfigDict(alias_generator=to_pascal)


class _Text(_Part):
    data: str
    charset: str | None = None


class _Body(_Part):
    text: _Text | None = None
    html: _Text | None = None


class _Header(_Part):
    name: Annotated[str, Field(pattern=r"^[!-9;-@A-~]{1,126}$")]
    value: Annotated[str, Field(pattern=r"^[ -~]{1,995}$")]


class _Attachment(_Part):
    raw_content: str
    file_name: Annotated[str, Field(max_length=255)]
    content_type: Annotated[str, Field(min_length=1, max_length=78)] = "application/octet-stream"


class _Simple(_Part):
    subject: _Text
    body: _Body
    headers: Annotated[list[_Header], Field(max_length=15)] = []
    attachments: list[_Attachment] = []


class _Raw(_Part):
    data: str


class _Content(_Part):
    simple: _Simple | None = None
    raw: _Raw | None = None


class _Destination(_Part):
    to_addresses: list[str] = []
    cc_addresses: list[str] = []
    bcc_addresses: list[str] = []


class _Tag(_Part):
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,256}$")]
    value: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,256}$")]


class _SendEmail(_Part):
    content: _Content
    from_email_address: str = ""
    destination: _Destination = _Destination()
    reply_to_addresses: list[str] = []
    email_tags: list[_Tag] = []
    configuration_set_name: str | None = None


def read_email(body: bytes) -> Email:
    """The email in a SendEmail request.  Raises Refused."""
    if len(body) > MAX_BYTES:
        raise Refused(TOO_LARGE)
    try:
        return _checked(_SendEmail.model_validate_json(body))
    except ValidationError as error:
        raise bad_request(first_fault(error)) from error


def check_email(asked: Mapping[str, Any]) -> Email:
    """The same of a SendEmail request that is read already.  Raises Refused."""
    try:
        return _checked(_SendEmail.model_validate(asked))
    except ValidationError as error:
        raise bad_request(first_fault(error)) from error


def _checked(asked: _SendEmail) -> Email:
    if asked.content.simple:
        email = _simple(asked, asked.content.simple)
    elif asked.content.raw:
        email = _raw(asked, asked.content.raw)
    else:
        raise bad_request("Exactly one of Simple or Raw content must be given.")
    _check_addresses(email)
    return email


def _simple(asked: _SendEmail, message: _Simple) -> Email:
    if not (message.body.text or message.body.html):
        raise bad_request("Missing required body: Text or Html.")
    to, cc = asked.destination.to_addresses, asked.destination.cc_addresses
    own = [
        ("From", asked.from_email_address),
        ("Reply-To", ", ".join(asked.reply_to_addresses)),
        ("To", ", ".join(to)),
        ("Cc", ", ".join(cc)),
        ("Subject", message.subject.data),
        ("MIME-Version", "1.0"),
    ]
    given = [(header.name, header.value) for header in message.headers]
    _check_headers(given)
    if any(ord(character) < 32 for character in message.subject.data):
        raise bad_request("Subject contains control characters.")
    return Email(
        source=asked.from_email_address,
        to=to,
        cc=cc,
        destination=_bare([*to, *cc, *asked.destination.bcc_addresses]),
        reply_to=asked.reply_to_addresses,
        subject=message.subject.data,
        headers=[(name, value) for name, value in own if value] + given,
        tags={tag.name: tag.value for tag in asked.email_tags},
        configuration_set=asked.configuration_set_name,
        text_sha256=_digest(message.body.text),
        html_sha256=_digest(message.body.html),
        attachments=[_file(one) for one in message.attachments],
    )


def _file(attachment: _Attachment) -> File:
    try:
        content = b64decode(attachment.raw_content, validate=True)
    except ValueError as error:
        raise bad_request("Attachment data is not base64.") from error
    return File(
        filename=attachment.file_name,
        content_type=attachment.content_type,
        size=len(content),
        sha256=sha256(content).hexdigest(),
    )


def _digest(text: _Text | None) -> str | None:
    return sha256(text.data.encode()).hexdigest() if text else None


def _raw(asked: _SendEmail, message: _Raw) -> Email:
    try:
        mime = BytesHeaderParser().parsebytes(b64decode(message.data, validate=True))
    except ValueError as error:
        raise bad_request("Raw data is not base64.") from error
    given = asked.destination
    named = [*given.to_addresses, *given.cc_addresses, *given.bcc_addresses]
    to, cc = _texts(mime, "To"), _texts(mime, "Cc")
    return Email(
        source=asked.from_email_address or str(mime["From"] or ""),
        to=to,
        cc=cc,
        destination=_bare(named or [*to, *cc, *_texts(mime, "Bcc")]),
        reply_to=_texts(mime, "Reply-To"),
        subject=str(mime["Subject"] or ""),
        headers=[(name, str(value)) for name, value in mime.items()],
        tags={tag.name: tag.value for tag in asked.email_tags},
        configuration_set=asked.configuration_set_name,
    )


def _check_headers(headers: list[tuple[str, str]]) -> None:
    seen = set(OWN_HEADERS)
    for name, value in headers:
        if len(name) + len(value) > MAX_HEADER:
            raise bad_request(f"Header {name} is longer than {MAX_HEADER} characters.")
        if name.lower() in seen:
            raise bad_request(f"Duplicate header {name}.")
        seen.add(name.lower())


def _check_addresses(email: Email) -> None:
    if not email.source:
        raise bad_request("Missing required header 'From'.")
    if not email.destination:
        raise bad_request("At least one recipient is required.")
    if len(email.destination) > MAX_RECIPIENTS:
        raise bad_request(f"Recipient count exceeds {MAX_RECIPIENTS}.")
    for address in _bare([email.source]) + email.destination:
        _check_address(address)
    # No SMTPUTF8: names beside addresses must come as encoded words (RFC 2047).
    if not all(text.isascii() for text in [email.source, *email.to, *email.cc, *email.reply_to]):
        raise bad_request("Address contains non-ASCII characters")


def _check_address(address: str) -> None:
    local, _, domain = address.rpartition("@")
    if not (local and domain):
        raise bad_request("Missing final '@domain'")
    if not local.isascii() or " " in local:
        raise bad_request("Local address contains control or whitespace")
    if not domain.isascii() or " " in domain:
        raise bad_request("Domain contains control or whitespace")


def _texts(mime: Message, name: str) -> list[str]:
    return [str(value) for value in mime.get_all(name, [])]


def _bare(addresses: list[str]) -> list[str]:
    return [address for _, address in getaddresses(addresses)]


def bad_request(message: str) -> Refused:
    """What SES says of a request that it understood and would not take."""
    return Refused(Refusal(400, "BadRequestException", message))


def first_fault(error: ValidationError) -> str:
    """The first complaint, by field, without the value: it may be somebody's words."""
    first = error.errors(include_input=False, include_url=False)[0]
    return f"{'.'.join(map(str, first['loc'])) or 'body'}: {first['msg']}"
