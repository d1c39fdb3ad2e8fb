"""Settles unknown attempts from what the providers' streams tell: never by a guess.

Reads dispatch's `attempts` and our `events`; gives commands (design, section 4, rule 5).  An event
proves that the provider took it.  For SES alone, silence can prove the opposite: when SES has told
of the emails it took next, and the margin has passed, this one would have been told of as well.
A proof that comes after such a verdict takes it back, as long as the delivery still waits.
"""

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from uuid import UUID

import structlog
from sqlalchemy import Connection, exists, select, text

from services.tracking.commands import Command, give, verdict_id
from services.tracking.words import EventWord
from shared.database import Database
from shared.tables.dispatch import AttemptState, DeliveryState, attempts, deliveries
from shared.tables.tracking import Verb, Verdict, commands, events

GIVEN_BY = "tracking"
# The providers that tell of every delivery they take, and have no key to ask by.
TELLS_OF_ALL = frozenset({"ses"})
# How many of the next emails that SES took must have been told of.  Nearest in time on purpose:
# after an hour without our door, today's events prove nothing about yesterday's.
NEIGHBOURS = 3
BATCH = 200

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Unknown:
    id: UUID
    delivery_id: UUID
    provider: str
    started_at: dt.datetime


_COLUMNS = (attempts.c.id, attempts.c.delivery_id, attempts.c.provider, attempts.c.started_at)


def resolve(database: Database, margin: dt.timedelta, now: dt.datetime) -> int:
    """Gives a command for every unknown that can be settled; how many were new.

    Any number may run at once: a verdict on an attempt has one id, so it is given once.
    """
    with database.read() as connection:
        verdicts = chain(
            (_verdict(connection, one, now - margin) for one in _unknowns(connection)),
            (_proof(connection, one) for one in _called_not_taken(connection)),
        )
        found = [one for one in verdicts if one and not _is_given(connection, one.id)]
    if not found:
        return 0
    with database.begin() as connection:
        given = sum(give(connection, command, now) for command in found)
    log.info("unknowns_resolved", commands=given)
    return given


def _unknowns(connection: Connection) -> Iterator[_Unknown]:
    """Every unknown attempt, the oldest first; ids are UUIDv7 and grow with time."""
    after: UUID | None = None
    while True:
        query = (
            select(*_COLUMNS)
            .where(text("attempts.state = 'unknown'"))  # as the partial index says it
            .order_by(attempts.c.id)
            .limit(BATCH)
        )
        if after is not None:
            query = query.where(attempts.c.id > after)
        rows = connection.execute(query).all()
        yield from (_Unknown(*row) for row in rows)
        if len(rows) < BATCH:
            return
        after = rows[-1].id


def _called_not_taken(connection: Connection) -> Iterable[_Unknown]:
    """The latest attempt of each delivery that is due by such a verdict and has an event after all.

    Only while it is due: once another attempt has begun, an event may be of that one.
    """
    query = (
        select(*_COLUMNS)
        .join_from(commands, attempts, attempts.c.id == commands.c.attempt_id)
        .join(deliveries, deliveries.c.id == attempts.c.delivery_id)
        .where(
            commands.c.verb == Verb.RESOLVE_UNKNOWN,
            commands.c.arguments["verdict"].as_string() == Verdict.NOT_TAKEN,
            attempts.c.state == AttemptState.NOT_SENT,
            deliveries.c.state == DeliveryState.DUE,
            exists().where(events.c.delivery_id == attempts.c.delivery_id),
        )
        .order_by(attempts.c.id)
    )
    return {row.delivery_id: _Unknown(*row) for row in connection.execute(query)}.values()


def _verdict(connection: Connection, unknown: _Unknown, before: dt.datetime) -> Command | None:
    """What the stream proves about one attempt; None where it proves nothing yet."""
    tells_of_all, is_old = unknown.provider in TELLS_OF_ALL, unknown.started_at < before
    # A print vendor is asked by dispatch first: its answer brings the price with it.
    if not (tells_of_all or is_old):
        return None
    if proof := _proof(connection, unknown):
        return proof
    return _silence(connection, unknown) if tells_of_all and is_old else None


def _proof(connection: Connection, unknown: _Unknown) -> Command | None:
    event = connection.execute(
        select(events.c.id, events.c.word, events.c.provider_id)
        .where(events.c.delivery_id == unknown.delivery_id)
        .order_by(events.c.occurred_at)
        .limit(1)
    ).first()
    if event is None:
        return None
    return _command(
        unknown,
        Verdict.SENT,
        why=f"the provider told of it: event {event.id}, {event.word}",
        provider_id=event.provider_id,
    )


def _silence(connection: Connection, unknown: _Unknown) -> Command | None:
    neighbours = _neighbours(connection, unknown)
    if len(neighbours) < NEIGHBOURS or not all(told for _, told in neighbours):
        return None
    told = ", ".join(str(attempt) for attempt, _ in neighbours)
    return _command(
        unknown,
        Verdict.NOT_TAKEN,
        why=f"no event, although the stream moved on: it told of the next attempts taken, {told}",
    )


def _neighbours(connection: Connection, unknown: _Unknown) -> list[tuple[UUID, bool]]:
    """The attempts next after this one that the provider took, each with: did it tell of it?"""
    told = exists().where(
        events.c.delivery_id == attempts.c.delivery_id,
        events.c.word == EventWord.SENT_PROOF.value,
    )
    query = (
        select(attempts.c.id, told)
        .where(
            attempts.c.id > unknown.id,
            attempts.c.started_at > unknown.started_at,
            attempts.c.provider == unknown.provider,
            attempts.c.state == AttemptState.SENT.value,
        )
        .order_by(attempts.c.id)
        .limit(NEIGHBOURS)
    )
    return [(row[0], bool(row[1])) for row in connection.execute(query)]


def _is_given(connection: Connection, command_id: UUID) -> bool:
    return bool(connection.scalar(select(exists().where(commands.c.id == command_id))))


def _command(
    unknown: _Unknown, verdict: Verdict, *, why: str, provider_id: str | None = None
) -> Command:
    arguments = {"verdict": verdict.value}
    if provider_id is not None:
        arguments["provider_id"] = provider_id
    return Command(
        id=verdict_id(unknown.id, verdict),
        verb=Verb.RESOLVE_UNKNOWN,
        delivery_id=unknown.delivery_id,
        attempt_id=unknown.id,
        arguments=arguments,
        given_by=GIVEN_BY,
        why=why,
    )
