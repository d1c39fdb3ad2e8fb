"""Takes in mail that Amazon SES received for us, through the door and the queue of its receipts.

In: Receipts whose body is SES's notification of the type "Received": the message itself, up to
150 kB, or where in S3 it lies.  Out: kept mail; other receipts go their own way.
Source: SES developer guide, "receiving-email-notifications-contents".
"""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import structlog

from services.tracking.inbound.keep import Arrived, Kept, Mailroom, say
from services.tracking.receipts.contract import Receipt, moment
from services.tracking.record import Recorded
from services.tracking.take import Taker

SOURCE = "ses"
_TYPE = "Received"

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a message lies in S3."""

    bucket: str
    key: str


class Store(Protocol):
    """A bucket that SES puts our mail into."""

    bucket: str

    def fetch(self, key: str) -> bytes | None:
        """None: it is not there.  Raises QueueAway: in a while, perhaps."""


def received(body: str) -> Arrived | Place | None:
    """The message that a notification brings, or its place; None for any other notification."""
    said = _notification(body)
    if said is None:
        return None
    told = _object(said, "receipt")
    action = _object(told, "action")
    content = said.get("content")
    if isinstance(content, str):
        is_base64 = str(action.get("encoding")).upper() == "BASE64"
        return _arrived(said, _bytes(content, is_base64=is_base64))
    bucket, key = action.get("bucketName"), action.get("objectKey")
    return Place(bucket, key) if isinstance(bucket, str) and isinstance(key, str) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class MailTaker(Taker):
    """A Taker that keeps mail, and lets everything else through."""

    mailroom: Mailroom
    store: Store | None = None  # None: mail in S3 is left there

    def take(self, given: Sequence[Receipt]) -> list[Recorded | None]:
        is_mail = [_notification(one.body) is not None for one in given]
        mail = [one for one, found in zip(given, is_mail, strict=True) if found]
        if not mail:
            return Taker.take(self, given)
        kept = iter(self._keep(mail))
        others = [one for one, found in zip(given, is_mail, strict=True) if not found]
        recorded = iter(Taker.take(self, others) if others else [])
        return [next(kept) if found else next(recorded) for found in is_mail]

    def _keep(self, mail: Sequence[Receipt]) -> list[Recorded | None]:
        arrived = [self._arrived(one) for one in mail]
        kept = self.mailroom.keep([one for one in arrived if one is not None])
        say(kept)
        became = map(_became, kept)
        return [None if one is None else next(became) for one in arrived]

    def _arrived(self, receipt: Receipt) -> Arrived | None:
        found = received(receipt.body)
        if isinstance(found, Arrived):
            return found
        content = self._fetch(found) if found else None
        said = _notification(receipt.body)
        if content is None or said is None:
            log.error("mail_not_read", source_id=receipt.source_id)
            return None
        return _arrived(said, content)

    def _fetch(self, place: Place) -> bytes | None:
        # Whoever may write to our topic must not make us read what is not ours.
        if self.store is None or place.bucket != self.store.bucket:
            return None
        return self.store.fetch(place.key)


def _became(kept: Kept) -> Recorded:
    if kept.id is None:
        return Recorded.REPEATED
    return Recorded.FACT if kept.match.delivery_id else Recorded.KEPT


def _arrived(said: Mapping[str, Any], content: bytes) -> Arrived:
    told = _object(said, "receipt")
    recipients = told.get("recipients")
    return Arrived(
        source=SOURCE,
        content=content,
        envelope=tuple(map(str, recipients)) if isinstance(recipients, list) else (),
        at=moment(told.get("timestamp")) or moment(_object(said, "mail").get("timestamp")),
    )


def _notification(body: str) -> Mapping[str, Any] | None:
    """SES's own words, from an SNS envelope or bare; None where it tells of no mail."""
    if _TYPE not in body or "notificationType" not in body:  # nearly all: no need to read them
        return None
    said = _parsed(body)
    if "notificationType" not in said and isinstance(said.get("Message"), str):
        said = _parsed(said["Message"])
    return said if said.get("notificationType") == _TYPE else None


def _parsed(text: str) -> Mapping[str, Any]:
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def _bytes(content: str, *, is_base64: bool) -> bytes:
    if is_base64:
        try:
            return base64.b64decode(content)
        except ValueError:
            pass  # read as it stands: a person sees what is left
    return content.encode(errors="replace")


def _object(of: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = of.get(name)
    return found if isinstance(found, dict) else {}
