"""Gives a campaign tool what came back on a delivery of its own, and by policy an answer's text.

In: a delivery and the client that asks.  Out: kinds and times; the text only of an answer that a
person wrote to one supporter who asked for replies, where the campaign forwards.  That tool passes
it on; that it was given out is noted, once.  Acknowledgements and machines' replies stay here.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, select, update

from services.tracking.inbound.classify import ReplyKind
from shared.again import RESTS_OR_DID
from shared.catalogue import Catalogue
from shared.tables.dispatch import carriages, deliveries
from shared.tables.intake import actions
from shared.tables.replies import replies

_CARRIES_ONE_LETTER = "single"  # a notice is the supporter's own, a digest many people's
MOST = 100  # replies to one delivery that are shown


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldReply:
    """One reply, as far as the client may know it."""

    id: UUID
    kind: ReplyKind
    received_at: dt.datetime
    text: str | None = field(repr=False)
    given_before: bool  # the text, to this or another client


def replies_for(
    connection: Connection, delivery_id: UUID, client_id: UUID, *, catalogue: Catalogue
) -> list[ToldReply] | None:
    """None: the delivery carries no action of this client.  Raises Unreadable."""
    action = _own_action(connection, delivery_id, client_id)
    if action is None:
        return None
    found = connection.execute(
        select(*(replies.c[name] for name in ("id", "kind", "received_at", "text", "forwarded_at")))
        .where(replies.c.delivery_id == delivery_id)
        .order_by(replies.c.received_at, replies.c.id)
        .limit(MOST)
    ).all()
    forwards = _forwards(action, catalogue)
    given = {row.id for row in found if forwards and row.kind == ReplyKind.ANSWER and row.text}
    return [
        ToldReply(
            id=row.id,
            kind=ReplyKind(row.kind),
            received_at=row.received_at,
            text=row.text.open(row.id) if row.id in given else None,
            given_before=row.forwarded_at is not None,
        )
        for row in found
    ]


def note_given(connection: Connection, told: Sequence[ToldReply], now: dt.datetime) -> None:
    """Writes down when the text of an answer first left; nothing where it had."""
    ids = [one.id for one in told if one.text is not None]
    connection.execute(
        update(replies)
        .where(replies.c.id.in_(ids), replies.c.forwarded_at.is_(None))
        .values(forwarded_at=now)
    )


def _forwards(action: Any, catalogue: Catalogue) -> bool:
    campaign = catalogue.campaigns.get(action.campaign)
    return bool(
        campaign
        and campaign.forward
        and action.carrier == _CARRIES_ONE_LETTER
        and action.consent.get("replies")
        and action.erased_at is None
    )


def _own_action(connection: Connection, delivery_id: UUID, client_id: UUID) -> Any | None:
    """One action of the client's that rests on it, or did, with its carrier and campaign."""
    return connection.execute(
        select(deliveries.c.carrier, deliveries.c.campaign, actions.c.consent, actions.c.erased_at)
        .join_from(carriages, actions, actions.c.id == carriages.c.action_id)
        .join(deliveries, RESTS_OR_DID)
        .where(deliveries.c.id == delivery_id, actions.c.client_id == client_id)
        .limit(1)
    ).first()
