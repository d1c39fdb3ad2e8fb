"""Finds the delivery that a message answers.

In: a Mail.  Out: the delivery's id, and how it was found.  First the token in the address that it
was sent to, then the ids of the messages that it answers.  What only looks alike, as a subject
does, proves nothing.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from sqlalchemy import Connection, select

from services.tracking.inbound.read import Mail
from services.tracking.receipts.contract import own_id
from shared.catalogue import Channel
from shared.reply_address import MARK, delivery_of
from shared.tables.dispatch import deliveries

# What SES writes in place of our Message-ID: its own id, at the region's host.
_SES_HOST = ".amazonses.com"


class MatchedBy(StrEnum):
    """By what a message's delivery is known."""

    TOKEN = "token"  # noqa: S105  no password: the address that it was sent to
    BOUNCE = "bounce_address"  # the report names the delivery
    REFERENCES = "references"  # it answers a message of ours
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Match:
    delivery_id: UUID | None
    by: MatchedBy


def match(
    connection: Connection,
    mail: Mail,
    *,
    envelope: Iterable[str] = (),
    reported: UUID | None = None,
) -> Match:
    """`envelope`: addresses that the server took it in for; `reported`: what a bounce names."""
    named = [_named(one) for one in (*envelope, *mail.recipients)]
    for found, by in (
        (_existing(connection, named), MatchedBy.TOKEN),
        (_existing(connection, [reported]), MatchedBy.BOUNCE),
        (_answered(connection, mail.references), MatchedBy.REFERENCES),
    ):
        if found is not None:
            return Match(found, by)
    return Match(None, MatchedBy.NOTHING)


def _named(address: str) -> UUID | None:
    """By the token of a reply address, or by the plain id in the address that a relay returns to.

    Machines answer to the latter (RFC 3834, 4), whatever Reply-To says.
    """
    return delivery_of(address) or own_id(address.rpartition("@")[0].rpartition(MARK)[2])


def _answered(connection: Connection, references: Iterable[str]) -> UUID | None:
    ours, theirs = [], []
    for one in references:
        local, _, host = one.rpartition("@")
        # Our own begins with the delivery's id: `<0190….2@campaign.example>`.
        ours.append(own_id(local.partition(".")[0]))
        theirs.append(one)
        if host.lower().endswith(_SES_HOST):
            theirs.append(local)
    return _existing(connection, ours) or _taken(connection, theirs)


def _existing(connection: Connection, ids: Iterable[UUID | None]) -> UUID | None:
    """The first of them that is an email of ours, and was tried: nothing else can be answered."""
    wanted = list(_without_gaps(ids))
    if not wanted:
        return None
    found = set(
        connection.scalars(
            select(deliveries.c.id).where(
                deliveries.c.id.in_(wanted),
                deliveries.c.channel == Channel.EMAIL.value,
                deliveries.c.attempts > 0,
            )
        )
    )
    return next((one for one in wanted if one in found), None)


def _taken(connection: Connection, provider_ids: list[str]) -> UUID | None:
    """The delivery that a provider took under the first of these numbers."""
    if not provider_ids:
        return None
    rows = connection.execute(
        select(deliveries.c.provider_id, deliveries.c.id).where(
            deliveries.c.provider_id.in_(provider_ids),
            deliveries.c.provider_id.is_not(None),  # as the partial index says it
            deliveries.c.channel == Channel.EMAIL.value,
        )
    )
    found: dict[str, UUID] = {row.provider_id: row.id for row in rows}
    return next((found[one] for one in provider_ids if one in found), None)


def _without_gaps(ids: Iterable[UUID | None]) -> Iterator[UUID]:
    yield from dict.fromkeys(one for one in ids if one is not None)
