"""What intake asks of dispatch's preview service, and what it gets: the messages between the two.

Owns nothing.  Intake sends an action it has checked; dispatch answers with what each recipient
would get.  What is personal in them lives as long as the request: nobody stores or logs it.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from shared.settings import SettingError

PREVIEWS = "/internal/previews"
COVER_SHEETS = "/internal/cover-sheets"
MOST_RECIPIENTS = 50  # of one preview
MOST_BYTES = 256 * 1024  # of one request
SECONDS = 10.0  # that a request may take
NOT_PRINTABLE = "not_printable"  # the code of the one problem that is the asker's own
_SHORTEST_KEY = 32

_Slug = Annotated[str, Field(max_length=64)]
_Line = Annotated[str, Field(max_length=400)]


def check_key(key: str) -> str:
    """The key that both sides know.  Raises SettingError where it could be guessed."""
    if len(key) < _SHORTEST_KEY or not key.isascii():
        raise SettingError(f"WRIT_PREVIEW_KEY must be {_SHORTEST_KEY} letters and digits or more")
    return key


class _Message(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Obstacle(StrEnum):
    """Why a delivery would not leave at once, however well its action was accepted."""

    EMBARGO = "embargo"  # its case's time has not come
    NO_ADDRESS = "no_address"  # none is known, or nothing may be sent there now
    ADDRESS_DOES_NOT_FIT = "address_does_not_fit"  # an envelope's window is too small for it
    GLYPH_MISSING = "glyph_missing"  # no font has a character of the text
    TOO_LONG = "too_long"  # more than two pages
    NOT_PRINTABLE = "not_printable"  # the finished letter fails a check
    HELD = "held"  # something else that a person must mend; the detail says what


class Hindrance(_Message):
    """One reason to wait.  `detail` is for people, and names no person."""

    code: Obstacle
    detail: str


class PreviewOrder(_Message):
    """An action, checked and clean, and to whom."""

    mode: str
    campaign: _Slug
    case: _Slug
    kind: str
    channel: str
    language: str
    recipients: Annotated[tuple[_Slug, ...], Field(max_length=MOST_RECIPIENTS)]
    supporter_name: str | None = Field(repr=False)
    supporter_email: str | None = Field(repr=False)
    supporter_country: str | None
    words: str | None = Field(repr=False)
    consent: Mapping[str, bool]


class Preview(_Message):
    """What one recipient would get.  Empty where it cannot be made, or is not on paper."""

    recipient: str
    carrier: str | None  # None: counted, and never sent
    why: str
    holder: str | None
    subject: str | None = Field(default=None, repr=False)
    text: str | None = Field(default=None, repr=False)
    html: str | None = Field(default=None, repr=False)
    pdf: str | None = Field(default=None, repr=False)  # base64: the letter as it would be printed
    pages: tuple[str, ...] = Field(default=(), repr=False)  # base64: pictures of it, a PNG a page
    hindrances: tuple[Hindrance, ...] = ()


class Previews(_Message):
    previews: tuple[Preview, ...]


class CoverSheetOrder(_Message):
    """What lies on top of a pile: every word of the page, in the language it is to be read in."""

    language: Annotated[str, Field(max_length=16)]
    top: _Line  # above everything: what this page is for
    title: _Line  # the case's name
    #: A label, and what it says; the organiser's name among them.
    rows: tuple[tuple[_Line, _Line], ...] = Field(max_length=12, repr=False)
    number: tuple[_Line, _Line | None]  # its label; None: a box to write it in
    write: _Line  # beside the box
    send_to: tuple[_Line, Annotated[tuple[_Line, ...], Field(max_length=8)]]
    scan: tuple[_Line, _Line]  # a question, and what to do
    link: str = Field(max_length=400, repr=False)  # behind the QR code


class CoverSheet(_Message):
    pdf: str  # base64
