"""Takes in mail that Amazon SES received for us, through the door and the queue of its receipts.

In: Receipts whose body is SES's notification of the type "Received": the message itself, up to
150 kB, or where in S3 it lies.  Out: kept mail; other receipts go their own way, and first: mail
that cannot be fetched or kept now stops nothing beside it.
Source: SES developer guide, "receiving-email-notifications-contents".
"""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import structlog

from services.tracking.inbound.keep import Arrived, Kept, Mailroom, say
from services.tracking.listen import NotNow, QueueAway
from services.tracking.receipts.contract import Receipt, moment
from services.tracking.record import Recorded
from services.tracking.take import Taker

SOURCE = "ses"
_TYPE = "Received"
# Each may last until a timeout, and what is in hand is ours for a minute only.
MOST_IN_VAIN = 3

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
        """As Taker's.  Raises NotNow, with the mail that could not be fetched or kept."""
        is_mail = [_notification(one.body) is not None for one in given]
        mail = [one for one, found in zip(given, is_mail, strict=True) if found]
        if not mail:
            return Taker.take(self, given)
        others = [one for one, found in zip(given, is_mail, strict=True) if not found]
        recorded = iter(Taker.take(self, others) if others else [])  # whatever becomes of the mail
        kept = iter(self._keep(mail))
        return [next(kept) if found else next(recorded) for found in is_mail]

    def _keep(self, mail: Sequence[Receipt]) -> list[Recorded | None]:
        """Raises NotNow once all other mail is committed."""
        store = _Hurried(self.store) if self.store else None
        left: list[Receipt] = []
        became: list[Recorded | None] = [None] * len(mail)
        arrived: dict[int, Arrived] = {}  # by the place in `mail`
        for place, one in enumerate(mail):
            try:
                if found := _opened(one, store):
                    arrived[place] = found
            except QueueAway:
                left.append(one)
        kept = self.mailroom.keep_each(list(arrived.values()))
        for place, result in zip(arrived, kept, strict=True):
            if result is None:
                left.append(mail[place])
            else:
                became[place] = _became(result)
        say(one for one in kept if one is not None)
        if left:
            raise NotNow(left)
        return became


class _Hurried:
    """A store, asked for one hand of messages: not again once it failed a few times in a row."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.bucket = store.bucket
        self._in_vain = 0

    def fetch(self, key: str) -> bytes | None:
        if self._in_vain >= MOST_IN_VAIN:
            raise QueueAway("the bucket did not answer before")
        self._in_vain += 1
        content = self._store.fetch(key)
        self._in_vain = 0
        return content


def _opened(receipt: Receipt, store: Store | None) -> Arrived | None:
    """None: it can never be read, and the log says so.  Raises QueueAway."""
    arrived = received(receipt.body)
    if isinstance(arrived, Place):
        content = _fetch(arrived, store)
        said = _notification(receipt.body)
        arrived = _arrived(said, content) if said is not None and content is not None else None
    if arrived is None:
        log.error("mail_not_read", source_id=receipt.source_id)
        return None
    return replace(arrived, name=receipt.source_id)


def _fetch(place: Place, store: Store | None) -> bytes | None:
    # Whoever may write to our topic must not make us read what is not ours.
    if store is None or place.bucket != store.bucket:
        return None
    return store.fetch(place.key)


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
