"""Finds what a crash or a lost message left behind, and says honestly what it is.

In: deliveries that have been in one state too long.  Out: the same, `unknown` where an attempt may
have been taken, and due again where that is safe.
"""

import datetime as dt

from sqlalchemy import Connection, and_, exists, or_, select, text, update

from services.dispatch.erased import IS_ERASED
from shared.catalogue import Channel
from shared.tables.dispatch import DUE_WOKEN, AttemptState, DeliveryState, attempts, deliveries
from shared.tables.intake import erasures
from shared.tables.tracking import Verb, commands

TOLD_FOR = dt.timedelta(hours=1)
HEARD_FOR = dt.timedelta(days=90)  # bounces and complaints come late, too


def abandon_stale_claims(connection: Connection, now: dt.datetime, *, claim_ttl_s: float) -> int:
    """Attempts whose worker is gone: nobody can tell whether the provider took them."""
    is_stale = and_(
        deliveries.c.state == DeliveryState.SENDING,
        deliveries.c.claimed_at < now - dt.timedelta(seconds=claim_ttl_s),
    )
    connection.execute(
        update(attempts)
        .where(
            attempts.c.delivery_id.in_(select(deliveries.c.id).where(is_stale)),
            attempts.c.state == AttemptState.STARTED,
        )
        .values(
            state=AttemptState.UNKNOWN,
            detail="the worker stopped between the call and its result",
            ended_at=now,
        )
    )
    return connection.execute(
        update(deliveries)
        .where(is_stale)
        .values(state=DeliveryState.UNKNOWN, claimed_at=None, next_attempt_at=now)
    ).rowcount


def ask_again(connection: Connection, now: dt.datetime) -> int:
    """Unclear print orders are due again: the vendor is asked first, and the key is the same.

    An erased one has nothing left to order: it waits for the vendor's word, or for a person's.
    """
    return connection.execute(
        update(deliveries)
        .where(
            deliveries.c.state == DeliveryState.UNKNOWN,
            deliveries.c.channel == Channel.LETTER,
            deliveries.c.next_attempt_at <= now,
            ~IS_ERASED,
        )
        .values(state=DeliveryState.DUE, woken_at=None)
    ).rowcount


def forget_lost_wakes(connection: Connection, now: dt.datetime, *, rewake_s: float) -> int:
    """A wake-up that nobody answered for so long was lost with its broker."""
    return connection.execute(
        update(deliveries)
        .where(text(DUE_WOKEN), deliveries.c.woken_at < now - dt.timedelta(seconds=rewake_s))
        .values(woken_at=None)
    ).rowcount


def any_to_forget(connection: Connection, now: dt.datetime) -> bool:
    """Whether actions were erased lately: tracking is told so often that no lost message counts."""
    latest = select(erasures.c.erased_at).order_by(erasures.c.seq.desc()).limit(1)
    erased_at = connection.scalar(latest)
    return erased_at is not None and now - erased_at < TOLD_FOR


def any_on_their_way(connection: Connection, now: dt.datetime) -> bool:
    """Whether providers may still tell what came back, so that tracking must look."""
    latest = select(deliveries.c.planned_at).order_by(deliveries.c.seq.desc()).limit(1)
    planned_at = connection.scalar(latest)
    return planned_at is not None and now - planned_at < HEARD_FOR


def any_unsettled(connection: Connection) -> bool:
    """Whether a proof may still change what is done next.

    Of an attempt that nobody can tell of, or of one that a verdict called not taken, while its
    delivery waits to be sent again.
    """
    unknown = exists(select(attempts.c.id).where(attempts.c.state == AttemptState.UNKNOWN))
    waits_again = exists(
        select(commands.c.id)
        .join(deliveries, deliveries.c.id == commands.c.delivery_id)
        .where(commands.c.verb == Verb.RESOLVE_UNKNOWN, deliveries.c.state == DeliveryState.DUE)
    )
    return bool(connection.scalar(select(or_(unknown, waits_again))))
