"""Tells the provider's own stop list what ours says: ours is the truth, and the provider's follows.

In: `stops`, and the catalogue, which knows the addresses (a stop keeps a hash).  Out: calls to the
provider, at most one a second, and `mirrored_at`.  A stop whose address is no longer known is left
alone: nothing is sent there.  What the provider lists by itself comes back as a fact (SUPPRESSED),
and then stops here, too.
"""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import Connection, or_, select, update

from services.dispatch.providers.contract import ProviderError, SuppressingProvider
from services.dispatch.stops import RECIPIENT
from shared.catalogue import Catalogue
from shared.database import Database
from shared.tables.pacing import mailbox_key, stops

#: SES developer guide, "Service quotas": all that does not send is taken once a second.
EVERY = dt.timedelta(seconds=1.1)
AFTER_FAULT = dt.timedelta(minutes=10)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wish:
    """One stop that the provider does not know of yet, or a lifted one that it still keeps."""

    id: UUID
    email: str | None = field(repr=False)  # None: there is nothing to tell
    on_list: bool
    complaint: bool


@dataclass(slots=True)
class Mirror:
    """One for a process; who leads tends it."""

    database: Database
    provider: SuppressingProvider
    _again_at: dt.datetime = field(default=dt.datetime.min.replace(tzinfo=dt.UTC))

    def tend(self, catalogue: Catalogue, now: dt.datetime) -> bool:
        """Tells at most one stop; True where one was told.  A fault of the provider waits."""
        if now < self._again_at:
            return False
        with self.database.read() as connection:
            wish = next(_wishes(connection, catalogue, now), None)
        self._again_at = now + EVERY
        if wish is None:
            return False
        try:
            self._tell(wish)
        except ProviderError as error:
            self._again_at = now + AFTER_FAULT
            log.error("stop_not_mirrored", provider=self.provider.name, error=error.detail)
            return False
        with self.database.begin() as connection:
            connection.execute(update(stops).where(stops.c.id == wish.id).values(mirrored_at=now))
        log.info("stop_mirrored", provider=self.provider.name, on_list=wish.on_list)
        return True

    def _tell(self, wish: _Wish) -> None:
        if wish.email is None:
            return
        if wish.on_list:
            self.provider.suppress(wish.email, complaint=wish.complaint)
        else:
            self.provider.unsuppress(wish.email)


def _wishes(connection: Connection, catalogue: Catalogue, now: dt.datetime) -> Iterator[_Wish]:
    """What the provider must be told, lifted stops first: somebody waits for those."""
    untold = or_(stops.c.mirrored_at.is_(None), stops.c.mirrored_at < stops.c.lifted_at)
    rows = connection.execute(
        select(stops.c.id, stops.c.key, stops.c.why, stops.c.lifted_at)
        .where(untold)
        .order_by(stops.c.lifted_at.is_(None), stops.c.stopped_at, stops.c.id)
    ).all()
    if not rows:
        return
    active = set(connection.scalars(select(stops.c.key).where(stops.c.lifted_at.is_(None))))
    known = _spellings(catalogue, now)
    for row in rows:
        if (email := known.get(row.key)) is not None:
            yield _wish(row, email, active, known)


def _wish(row: Any, email: str, active: set[str], known: dict[str, str]) -> _Wish:
    on_list = row.lifted_at is None
    # Stopped again, or for another reason: it stays on the list, and that stop tells it.
    stays = not on_list and any(known.get(key) == email for key in active)
    return _Wish(
        id=row.id,
        email=None if stays else email,
        on_list=on_list,
        complaint=row.why == "complaint",
    )


def _spellings(catalogue: Catalogue, now: dt.datetime) -> dict[str, str]:
    """The address of each key, as it is written to; of a recipient, that of today.

    A mailbox that several recipients read is not listed for the complaint of one.
    """
    found: dict[str, str] = {}
    readers: dict[str, set[str]] = {}
    for slug, office in catalogue.recipients.items():
        for mailbox in office.mailboxes:
            found.setdefault(mailbox_key(mailbox.email), mailbox.email)
            readers.setdefault(mailbox_key(mailbox.email), set()).add(slug)
    for slug, office in catalogue.recipients.items():
        if (today := office.mailbox_on(now.date())) is None:
            continue
        found[mailbox_key(today.email)] = today.email
        if readers[mailbox_key(today.email)] == {slug}:
            found[f"{RECIPIENT}{slug}"] = today.email
    return found
