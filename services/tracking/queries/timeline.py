"""Everything that happened to an action or a delivery, in order, each with a sentence.

In: an id.  Out: moments, from intake's action, dispatch's plan, attempts and print orders, the
providers' events, and the commands given with what they did.  Nobody is named but who held the
office written to; what a person or a mail server wrote freely stands apart, in `aside`.
"""

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, select

from services.tracking.queries.deliveries import held
from services.tracking.queries.sentences import (
    CONFIRMED_SAYS,
    HELD_SAYS,
    TEST_SAYS,
    addressed_says,
    attempt_says,
    event_says,
    money,
    planned_says,
    provider_name,
    standing_says,
)
from shared.again import RESTS_OR_DID
from shared.catalogue import Kind
from shared.tables.dispatch import (
    AttemptState,
    attempts,
    carriages,
    deliveries,
    obeyed_commands,
    print_orders,
)
from shared.tables.intake import actions
from shared.tables.tracking import Verb, commands, events, receipts

#: What one delivery taught us for others.
_ABOUT_ADDRESSES: Mapping[str, str] = {
    Verb.STOP: "Asked of dispatch: nothing more goes there until somebody has looked.",
    Verb.SLOW: "Asked of dispatch: more patience with the mail server that refused it.",
}


class _Step(IntEnum):
    """Orders what carries the same moment."""

    ACCEPTED = 0
    CONFIRMED = 1
    PLANNED = 2
    ATTEMPT = 3
    ORDER = 4
    EVENT = 5
    COMMAND = 6
    HELD = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """One thing that happened."""

    at: dt.datetime
    word: str  # accepted, confirmed, planned, attempt_…, ordered, command_…, held, or an EventWord
    says: str
    source: str  # intake, dispatch, tracking, or the provider's name
    delivery_id: UUID | None
    step: int
    aside: str | None = None  # for ops alone: free text of theirs, of a provider, of a mail server


def of_action(connection: Connection, action_id: UUID) -> list[Moment]:
    """From its acceptance on, all carriers together, also those that came back."""
    names = ("accepted_at", "mode", "kind", "channel", "standing", "held_for", "confirmed_at")
    first = actions.alias("first")
    own_first = first.c.client_id == actions.c.client_id
    row = connection.execute(
        select(*(actions.c[name] for name in names), own_first.label("own_first"))
        .outerjoin_from(actions, first, first.c.id == actions.c.duplicate_of)
        .where(actions.c.id == action_id)
    ).one_or_none()
    if row is None:
        return []
    ids = connection.scalars(
        select(deliveries.c.id)
        .join(carriages, RESTS_OR_DID)
        .where(carriages.c.action_id == action_id)
    ).all()
    return in_order([*_taken(row), *_of(connection, ids)])


def _taken(row: Any) -> Iterator[Moment]:
    """What intake knows of an action."""
    says = f"The action was accepted: {row.kind.replace('_', ' ')} by {row.channel}."
    since = standing_says(row.standing, held_for=row.held_for, own_first=bool(row.own_first))
    yield Moment(
        at=row.accepted_at,
        word="accepted",
        says=" ".join(said for said in (says + _if_test(row.mode), since) if said),
        source="intake",
        delivery_id=None,
        step=_Step.ACCEPTED,
    )
    if row.confirmed_at is not None:
        yield Moment(
            at=row.confirmed_at,
            word="confirmed",
            says=CONFIRMED_SAYS,
            source="intake",
            delivery_id=None,
            step=_Step.CONFIRMED,
        )


def of_delivery(connection: Connection, delivery_id: UUID) -> list[Moment]:
    """From its planning on, with the acceptance of every action it carries."""
    taken = connection.execute(
        select(actions.c.id, actions.c.accepted_at, actions.c.mode)
        .join_from(carriages, actions, actions.c.id == carriages.c.action_id)
        .join(deliveries, RESTS_OR_DID)
        .where(deliveries.c.id == delivery_id)
        .limit(100)
    )
    accepted = (
        Moment(
            at=row.accepted_at,
            word="accepted",
            says=f"Action {row.id} was accepted." + _if_test(row.mode),
            source="intake",
            delivery_id=delivery_id,
            step=_Step.ACCEPTED,
        )
        for row in taken
    )
    return in_order([*accepted, *_of(connection, [delivery_id])])


def in_order(moments: Iterable[Moment]) -> list[Moment]:
    return sorted(moments, key=lambda one: (one.at, one.step, one.word))


def _of(connection: Connection, ids: Sequence[UUID]) -> Iterator[Moment]:
    if not ids:
        return
    for look in (_planned, _attempted, _ordered, _told, _commanded, _held):
        yield from look(connection, ids)


def _planned(connection: Connection, ids: Sequence[UUID]) -> Iterator[Moment]:
    columns = (deliveries.c.id, deliveries.c.planned_at, deliveries.c.carrier, deliveries.c.why)
    for row in connection.execute(select(*columns).where(deliveries.c.id.in_(ids))):
        yield Moment(
            at=row.planned_at,
            word="planned",
            says=planned_says(row.carrier, row.why),
            source="dispatch",
            delivery_id=row.id,
            step=_Step.PLANNED,
        )


def _attempted(connection: Connection, ids: Sequence[UUID]) -> Iterator[Moment]:
    names = ("delivery_id", "number", "state", "provider", "started_at", "detail", "holder")
    query = (
        select(*(attempts.c[name] for name in names), deliveries.c.kind, deliveries.c.carrier)
        .join_from(attempts, deliveries, deliveries.c.id == attempts.c.delivery_id)
        .where(attempts.c.delivery_id.in_(ids))
    )
    for row in connection.execute(query):
        state = AttemptState(row.state)
        yield Moment(
            at=row.started_at,  # a receipt may bear an earlier time than our note of the answer
            word=f"attempt_{state}",
            says=" ".join([attempt_says(state, row.number, row.provider), *_addressed(row)]),
            aside=row.detail,
            source="dispatch",
            delivery_id=row.delivery_id,
            step=_Step.ATTEMPT,
        )


def _addressed(row: Any) -> Iterator[str]:
    """To whom an office's post was addressed then.  Who hands on solidarity is told to nobody."""
    if row.holder and row.kind != Kind.SOLIDARITY and row.carrier != "notice":
        yield addressed_says(row.holder)


def _ordered(connection: Connection, ids: Sequence[UUID]) -> Iterator[Moment]:
    for row in connection.execute(select(print_orders).where(print_orders.c.delivery_id.in_(ids))):
        pages = "1 page" if row.pages == 1 else f"{row.pages} pages"
        price = money(row.price_minor, row.currency)
        yield Moment(
            at=row.ordered_at,
            word="ordered",
            says=f"Print order {row.vendor_order_id} at {provider_name(row.vendor)}: "
            f"{pages}, {price}.",
            source="dispatch",
            delivery_id=row.delivery_id,
            step=_Step.ORDER,
        )


def _told(connection: Connection, ids: Sequence[UUID]) -> Iterator[Moment]:
    query = (
        select(events, receipts.c.source)
        .outerjoin_from(events, receipts, receipts.c.id == events.c.receipt_id)
        .where(events.c.delivery_id.in_(ids))
    )
    for row in connection.execute(query):
        yield Moment(
            at=row.occurred_at,
            word=row.word,
            says=event_says(row.word, row.reason),
            aside=f"“{row.detail}”" if row.detail else None,
            source=row.source or "mail",  # what came back by email has no receipt
            delivery_id=row.delivery_id,
            step=_Step.EVENT,
        )


def _commanded(connection: Connection, ids: Sequence[UUID]) -> Iterator[Moment]:
    query = (
        select(commands, obeyed_commands.c.effect)
        .outerjoin_from(commands, obeyed_commands, obeyed_commands.c.command_id == commands.c.id)
        .where(commands.c.delivery_id.in_(ids))
    )
    for row in connection.execute(query):
        effect = f"Effect: {row.effect}." if row.effect else "Dispatch has not obeyed it yet."
        says, aside = f"{_asked(row.verb, row.arguments)} {effect}", f"Why: {row.why}."
        if row.verb in _ABOUT_ADDRESSES:  # its effect names a domain, and counts others' post
            says, aside = _asked(row.verb, row.arguments), f"{aside} {effect}"
        yield Moment(
            at=row.given_at,
            word=f"command_{row.verb}",
            says=says,
            aside=aside,
            source="tracking",
            delivery_id=row.delivery_id,
            step=_Step.COMMAND,
        )


def _held(connection: Connection, ids: Sequence[UUID]) -> Iterator[Moment]:
    for one in held(connection, ids):
        yield Moment(
            at=one.since or one.planned_at,
            word="held",
            says=HELD_SAYS,
            aside=one.held_reason,
            source="dispatch",
            delivery_id=one.id,
            step=_Step.HELD,
        )


def _if_test(mode: str) -> str:
    return f" {TEST_SAYS}" if mode == "test" else ""


def _asked(verb: str, arguments: dict[str, str]) -> str:
    if verb in _ABOUT_ADDRESSES:
        return _ABOUT_ADDRESSES[verb]
    verdict = arguments.get("verdict")
    finer = f" ({verdict.replace('_', ' ')})" if verdict else ""
    return f"Asked of dispatch: {verb.replace('_', ' ')}{finer}."
