"""A client of SES as dispatch makes it, and emails for it."""

from typing import TYPE_CHECKING

from services.dispatch.providers.contract import Email
from services.dispatch.providers.ses import connect_ses
from services.dispatch.rendering.mime import address
from shared.clock import new_id

if TYPE_CHECKING:
    from mypy_boto3_sesv2 import SESV2Client

REGION = "eu-central-1"


def a_client(url: str | None, *, read_timeout_s: float = 1) -> "SESV2Client":
    return connect_ses(
        region=REGION,
        endpoint_url=url,
        connect_timeout_s=1,
        read_timeout_s=read_timeout_s,
        connections=2,
    )


def an_email(**changes: object) -> Email:
    fields: dict[str, object] = {
        "delivery_id": new_id(),
        "from_": address("Ana Beispiel via Letters", "letters@send.example"),
        "to": "office@prosecutor.example",
        "reply_to": "ana@people.example",
        "subject": "Über Mikita",
        "text": "Свободу!\n",
        "html": "<p>Свободу!</p>",
    }
    return Email(**fields | changes)  # type: ignore[arg-type]
