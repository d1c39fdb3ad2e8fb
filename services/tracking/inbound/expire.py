"""Lets go of what people wrote back, when its time is over: its kind and its time stay.

In: the catalogue, which says how long a campaign keeps people's data.  Out: replies without sender,
subject, text and message.  What matches no delivery is kept for UNMATCHED: nobody can say whose it
is, and so no erasure finds it.  What an erased supporter got goes at once, see forget.py.
"""

import datetime as dt

import structlog
from sqlalchemy import ColumnElement, case, literal, select, update

from shared.catalogue import Campaign, Catalogue
from shared.database import Database
from shared.tables.columns import Instant
from shared.tables.dispatch import deliveries
from shared.tables.replies import LET_GO, replies

UNMATCHED = dt.timedelta(days=90)
BATCH = 500  # replies in one transaction

log = structlog.get_logger(__name__)


def expire(database: Database, catalogue: Catalogue, now: dt.datetime) -> int:
    """All whose time is over; returns how many.  Any number may run at once."""
    expired, done = 0, BATCH
    while done == BATCH:
        with database.begin() as connection:
            ids = connection.scalars(
                select(replies.c.id)
                .outerjoin_from(replies, deliveries, deliveries.c.id == replies.c.delivery_id)
                .where(replies.c.text.is_not(None), replies.c.received_at < _since(catalogue, now))
                .order_by(replies.c.received_at)
                .limit(BATCH)
            ).all()
            if ids:
                connection.execute(update(replies).where(replies.c.id.in_(ids)).values(LET_GO))
        done = len(ids)
        expired += done
    if expired:
        log.info("replies_expired", replies=expired)
    return expired


def _since(catalogue: Catalogue, now: dt.datetime) -> ColumnElement[dt.datetime]:
    """The moment before which a reply to a delivery is too old, by its campaign."""
    usual = now - dt.timedelta(days=Campaign.model_fields["retention_days"].default)
    by_campaign = [
        (deliveries.c.campaign == slug, _moment(now - dt.timedelta(days=campaign.retention_days)))
        for slug, campaign in catalogue.campaigns.items()
    ]
    nobodys = (deliveries.c.id.is_(None), _moment(now - UNMATCHED))
    return case(nobodys, *by_campaign, else_=_moment(usual))


def _moment(at: dt.datetime) -> ColumnElement[dt.datetime]:
    return literal(at, Instant())
