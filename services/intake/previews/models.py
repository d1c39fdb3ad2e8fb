"""What a preview answers over HTTP.  Of the supporter it shows what the letter itself shows."""

from typing import Any

from pydantic import BaseModel, Field

from services.intake.models import RecipientView, Status
from shared.api_keys import Mode
from shared.catalogue import Channel, Kind


def _base64(media_type: str) -> dict[str, Any]:
    return {"contentEncoding": "base64", "contentMediaType": media_type}


class LanguageUsed(BaseModel):
    """The language of the text, and how it was found."""

    asked: str
    used: str = Field(description="`pt-BR` may become `pt`, and never another language")
    why: str


class WarningView(BaseModel):
    """Why an action or a delivery would wait."""

    code: str = Field(
        description="Of the action `confirmation`, or a reason of moderation. Of one delivery "
        "`embargo`, `no_address`, `address_does_not_fit`, `glyph_missing`, `too_long`, "
        "`not_printable`, or `held` for what is none of these"
    )
    detail: str = Field(description="The same in words for people; may change")


class RecipientPreview(BaseModel):
    """What one recipient would get.  What cannot be made, or is not of this channel, is null."""

    recipient: RecipientView
    holder: str | None = Field(
        description="Who holds the office today; null where nobody is known, and for solidarity"
    )
    carrier: str | None = Field(description="`single`, `petition`; null: counted, and never sent")
    why: str = Field(description="Why this carrier, and when it would leave")
    subject: str | None = Field(description="Of an email")
    text: str | None = Field(description="Of an email")
    html: str | None = Field(description="Of an email: the same once more")
    pdf: str | None = Field(
        description="Of a letter, as it would be printed. A delivery's own number will stand "
        "where there are zeros; where an address is secret, or missing, the letter says so",
        json_schema_extra=_base64("application/pdf"),
    )
    pages: list[str] = Field(
        description="Pictures of that very file, one a page",
        json_schema_extra={"items": {"type": "string", **_base64("image/png")}},
    )
    warnings: list[WarningView] = Field(description="Why it would not leave at once")


class PreviewAnswer(BaseModel):
    """What would become of an action.  Nothing is stored."""

    status: Status = Field(
        description="What `POST /v1/actions` would answer now. Duplicates are not looked for"
    )
    mode: Mode
    campaign: str
    case: str
    kind: Kind
    channel: Channel
    language: LanguageUsed
    warnings: list[WarningView] = Field(description="Why the action would wait")
    previews: list[RecipientPreview] = Field(description="One for each recipient, in order")
