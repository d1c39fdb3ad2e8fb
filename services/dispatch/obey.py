"""Obeys commands: the one edge that points back from tracking.

In: tracking's `commands`, in the order in which they were committed.  Out: changed deliveries,
stops and paces, and for each command its effect in `obeyed_commands`.  A command that no longer
fits changes nothing and says so.
"""

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import Connection, case, exists, insert, literal, select, update

from services.dispatch.channels import WAITING
from services.dispatch.cursors import move, position
from services.dispatch.destinations.limits import HELD
from services.dispatch.pacing import breaker
from services.dispatch.reroute import by_letter, reroute
from services.dispatch.resend import resend
from services.dispatch.stops import lift, stop
from shared.catalogue import Catalogue
from shared.tables.columns import follows, settled_before
from shared.tables.dispatch import (
    AttemptState,
    DeliveryState,
    attempts,
    deliveries,
    obeyed_commands,
)
from shared.tables.routes import LimitKind
from shared.tables.tracking import Verb, Verdict, commands

CURSOR = "obeyed"
BATCH = 500

NO_EFFECT = "no effect: the delivery had moved on"


def obey(connection: Connection, catalogue: Catalogue, now: dt.datetime) -> int:
    """Obeys the next commands, at most BATCH; returns how many."""
    order = (commands.c.xact, commands.c.seq)
    rows = connection.execute(
        select(commands)
        .where(
            follows(*order, *position(connection, CURSOR)),
            commands.c.xact < settled_before(),
            ~exists().where(obeyed_commands.c.command_id == commands.c.id),
        )
        .order_by(*order)
        .limit(BATCH)
    ).all()
    for row in rows:
        effect = VERBS.get(row.verb, _not_known)(connection, row, catalogue, now)
        connection.execute(
            insert(obeyed_commands).values(command_id=row.id, effect=effect, obeyed_at=now)
        )
    if rows:
        move(connection, CURSOR, rows[-1].xact, rows[-1].seq)
    return len(rows)


def _resolve_unknown(
    connection: Connection, command: Any, _catalogue: Catalogue, now: dt.datetime
) -> str:
    verdict = command.arguments.get("verdict")
    if verdict == Verdict.SENT:
        return _settle_as_sent(connection, command, now)
    if verdict == Verdict.NOT_TAKEN:
        return _settle_as_not_taken(connection, command, now)
    return f"no effect: this version does not know the verdict {verdict!r}"


def _settle_as_sent(connection: Connection, command: Any, now: dt.datetime) -> str:
    provider_id = command.arguments.get("provider_id")
    settled = connection.execute(
        update(attempts)
        .where(attempts.c.id == command.attempt_id, attempts.c.state != AttemptState.SENT)
        .values(state=AttemptState.SENT, provider_id=provider_id, detail=command.why, ended_at=now)
        .returning(attempts.c.provider)
    ).one_or_none()
    if settled is None:
        return NO_EFFECT
    connection.execute(
        update(deliveries)
        .where(
            deliveries.c.id == command.delivery_id,
            deliveries.c.state != DeliveryState.HANDED_OVER,
        )
        .values(
            state=DeliveryState.HANDED_OVER,
            provider=settled.provider,
            provider_id=provider_id,
            handed_over_at=now,
            held_reason=None,
            woken_at=None,
            claimed_at=None,
        )
    )
    return "the unknown attempt was sent"


def _settle_as_not_taken(connection: Connection, command: Any, now: dt.datetime) -> str:
    settled = connection.execute(
        update(attempts)
        .where(attempts.c.id == command.attempt_id, attempts.c.state == AttemptState.UNKNOWN)
        .values(state=AttemptState.NOT_SENT, detail=command.why, ended_at=now)
    )
    if settled.rowcount == 0:
        return NO_EFFECT
    connection.execute(
        update(deliveries)
        .where(deliveries.c.id == command.delivery_id, deliveries.c.state == DeliveryState.UNKNOWN)
        .values(state=DeliveryState.DUE, next_attempt_at=now, woken_at=None)
    )
    return "the unknown attempt was not taken; the delivery is due again"


def _release(connection: Connection, command: Any, _catalogue: Catalogue, now: dt.datetime) -> str:
    channel = connection.scalar(
        select(deliveries.c.channel).where(deliveries.c.id == command.delivery_id)
    )
    if channel is not None and channel in WAITING:
        return f"no effect: {WAITING[channel]}"
    # Whoever released it for another reason has not seen the restriction.
    restricted = deliveries.c.held_reason.startswith(HELD[LimitKind.RESTRICTED], autoescape=True)
    at = deliveries.c.released_at
    released_at = case((restricted, literal(now, at.type)), else_=at)
    released = connection.execute(
        update(deliveries)
        .where(
            deliveries.c.id == command.delivery_id,
            deliveries.c.state == DeliveryState.DUE,
            deliveries.c.held_reason.is_not(None),
        )
        .values(held_reason=None, released_at=released_at, next_attempt_at=now, woken_at=None)
    )
    return "released; due at once" if released.rowcount else NO_EFFECT


def _cancel(connection: Connection, command: Any, _catalogue: Catalogue, _now: dt.datetime) -> str:
    unclear = exists().where(
        attempts.c.delivery_id == command.delivery_id, attempts.c.state == AttemptState.UNKNOWN
    )
    cancelled = connection.execute(
        update(deliveries)
        .where(
            deliveries.c.id == command.delivery_id,
            deliveries.c.state == DeliveryState.DUE,
            ~unclear,  # it may have left already
        )
        .values(state=DeliveryState.CANCELLED, held_reason=None, woken_at=None)
    )
    return "cancelled; nothing leaves" if cancelled.rowcount else NO_EFFECT


def _stop(connection: Connection, command: Any, catalogue: Catalogue, now: dt.datetime) -> str:
    effect = stop(connection, command, catalogue, now)
    # What was planned for an address that the catalogue has corrected since is not held for it.
    rerouted = reroute(connection, catalogue, now)
    return f"{effect}; of these go to a corrected mailbox: {rerouted}" if rerouted else effect


def _lift(connection: Connection, command: Any, _catalogue: Catalogue, now: dt.datetime) -> str:
    return lift(connection, command, now)


def _slow(connection: Connection, command: Any, _catalogue: Catalogue, now: dt.datetime) -> str:
    domain = command.arguments.get("domain")
    return breaker.refused(connection, domain, now) if domain else "no effect: no domain is named"


def _resume(connection: Connection, command: Any, _catalogue: Catalogue, _now: dt.datetime) -> str:
    domain = command.arguments.get("domain")
    resumed = bool(domain) and breaker.resume(connection, domain)
    return f"emails to {domain} go on" if resumed else "no effect: the domain was not stopped"


def _not_known(
    _connection: Connection, command: Any, _catalogue: Catalogue, _now: dt.datetime
) -> str:
    return f"no effect: this version does not know the verb {command.verb!r}"


VERBS: Mapping[str, Callable[[Connection, Any, Catalogue, dt.datetime], str]] = {
    Verb.RESOLVE_UNKNOWN: _resolve_unknown,
    Verb.RELEASE: _release,
    Verb.CANCEL: _cancel,
    Verb.RESEND: resend,
    Verb.STOP: _stop,
    Verb.LIFT: _lift,
    Verb.BY_LETTER: by_letter,
    Verb.SLOW: _slow,
    Verb.RESUME: _resume,
}
