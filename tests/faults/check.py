"""Counts after a storm: what was promised, what Writ's tables say, what the sandbox really took.

In: the ids of all actions that were answered with 202.  Out: `Verdict`; it is clean when every
action rests on one carrier for each recipient, every delivery in one state that is true, and the
sandbox took each delivery at most once.  Trusts nothing that Writ says of itself alone.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, func, select

from shared.tables.dispatch import AttemptState, DeliveryState, attempts, carriages, deliveries
from shared.tables.intake import actions
from shared.tables.tracking import Verb, commands, events
from tests.production import Production

SHOWN = 20  # violations of one kind: more would hide the others
_TAKEN = {DeliveryState.HANDED_OVER}
_CANNOT_TELL = {DeliveryState.UNKNOWN}


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """`lost`: acknowledged, and not on exactly one carrier; `doubled`: taken more than once."""

    stored: int
    deliveries: int
    states: dict[str, int]
    taken: int  # by the sandbox
    lost: int
    doubled: int
    unknown: int
    settled: dict[str, int]  # unknown attempts that tracking settled, by verdict
    violations: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Told:
    """What Writ's tables say."""

    recipients: dict[UUID, list[str]]  # of each stored action
    carried: Counter[tuple[UUID, str]]  # (action, recipient): on how many carriers
    burdens: Counter[UUID]  # delivery: how many actions rest on it
    rows: dict[UUID, Any]  # the deliveries
    proven: set[UUID]  # deliveries that tracking has an event of
    started: set[UUID]  # deliveries with an attempt that has no end


def examine(writ: Production, acknowledged: set[UUID]) -> Verdict:
    with writ.database.read() as connection:
        told = _read(connection)
        settled = _settled(connection)
    taken = Counter(_taken(writ))
    lost = sorted(map(str, _lost(told, acknowledged)))
    doubled = sorted(str(one) for one, copies in taken.items() if copies > 1)
    findings = {
        "lost: acknowledged, not on exactly one carrier a recipient": lost,
        "doubled: the provider took it more than once": doubled,
        **{what: sorted(map(str, ids)) for what, ids in _false(told, taken).items()},
    }
    states = Counter(_state(row) for row in told.rows.values())
    return Verdict(
        stored=len(told.recipients),
        deliveries=len(told.rows),
        states=dict(sorted(states.items())),
        taken=taken.total(),
        lost=len(lost),
        doubled=len(doubled),
        unknown=states[DeliveryState.UNKNOWN],
        settled=settled,
        violations=tuple(_say(findings)),
    )


def _lost(told: _Told, acknowledged: Iterable[UUID]) -> Iterator[UUID]:
    for action in acknowledged:
        recipients = told.recipients.get(action, [])
        if not recipients or any(told.carried[action, one] != 1 for one in recipients):
            yield action


def _false(told: _Told, taken: Counter[UUID]) -> dict[str, set[UUID]]:
    """Everything else that must not be, by what it is."""
    rows = told.rows
    ours = {one for one, row in rows.items() if row.state in _TAKEN}
    maybe = {one for one, row in rows.items() if row.state in _CANNOT_TELL}
    waiting = {one for one, row in rows.items() if row.state == DeliveryState.SENDING}
    waiting |= {
        one for one, row in rows.items() if row.state == DeliveryState.DUE and not row.held_reason
    }
    doubly = {action for (action, _), carriers in told.carried.items() if carriers > 1}
    unasked = {action for action, _ in told.carried if action not in told.recipients}
    left_again = {row.again_of for row in rows.values()}  # its action rests on another since
    return {
        "an action rests on more than one carrier": doubly | unasked,
        "an action that nobody was told of rests on no carrier": set(
            _lost(told, set(told.recipients))
        ),
        "a single message carries not exactly one action": {
            one for one in rows if told.burdens[one] != (0 if one in left_again else 1)
        },
        "still waits, though all is quiet": waiting,
        "said to be handed over, and the provider never took it": ours - taken.keys(),
        "taken by the provider, and said not to be": taken.keys() - ours - maybe,
        "taken by the provider, and no receipt of it was recorded": taken.keys() - told.proven,
        "an attempt never ended": told.started,
    }


def _read(connection: Connection) -> _Told:
    resting = connection.execute(
        select(carriages.c.action_id, carriages.c.recipient, carriages.c.delivery_id)
    ).all()
    rows = connection.execute(
        select(*(deliveries.c[name] for name in ("id", "state", "held_reason", "again_of")))
    ).all()
    stored = connection.execute(select(actions.c.id, actions.c.recipients)).all()
    never_ended = attempts.c.state == AttemptState.STARTED
    return _Told(
        recipients={row.id: row.recipients for row in stored},
        carried=Counter((row.action_id, row.recipient) for row in resting),
        burdens=Counter(row.delivery_id for row in resting),
        rows={row.id: row for row in rows},
        proven=set(connection.scalars(select(events.c.delivery_id).distinct())),
        started=set(connection.scalars(select(attempts.c.delivery_id).where(never_ended))),
    )


def _settled(connection: Connection) -> dict[str, int]:
    verdict = commands.c.arguments["verdict"].as_string()
    rows = connection.execute(
        select(verdict, func.count())
        .where(commands.c.verb == Verb.RESOLVE_UNKNOWN)
        .group_by(verdict)
        .order_by(verdict)
    )
    return {row[0]: row[1] for row in rows}


def _taken(writ: Production) -> Iterator[UUID]:
    for email in writ.emails_taken():
        yield UUID(email["delivery_id"])
    for order in writ.orders_taken():
        yield UUID(order["reference"])


def _state(row: Any) -> str:
    held = row.state == DeliveryState.DUE and row.held_reason
    return "held" if held else str(row.state)


def _say(findings: dict[str, list[str]]) -> Iterator[str]:
    for what, ids in findings.items():
        if ids:
            more = f" and {len(ids) - SHOWN} more" if len(ids) > SHOWN else ""
            yield f"{len(ids)} × {what}: {', '.join(ids[:SHOWN])}{more}"
