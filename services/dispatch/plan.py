"""Decides on which carrier each accepted action rests: once for each recipient.

In: intake's `actions` and `clearances`, in the order in which they were committed.  Out:
`deliveries` and `carriages`.  Only what stands clear is carried.  The cursors move in the same
transaction, so that no action is planned twice and none is stepped over; the primary key of
`carriages` is the last word.
"""

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Connection, Select, Table, bindparam, insert, select

from services.dispatch.carriers import (
    OPEN_DIGEST,
    OPEN_PETITION,
    TOLD,
    Choice,
    Pair,
    Row,
    carriage_row,
    delivery_row,
    gather,
)
from services.dispatch.channels import WAITING
from services.dispatch.cursors import move, position
from services.dispatch.paced import digest_choice, digest_language, due_digests, in_its_place
from services.dispatch.pacing.line import Box, Line, box_of
from shared.catalogue import Case, Catalogue, Channel
from shared.clock import new_id
from shared.tables.columns import follows, settled_before
from shared.tables.dispatch import carriages, deliveries
from shared.tables.intake import Standing, actions, clearances

CURSOR, CLEARED_CURSOR = "planned", "planned_cleared"
BATCH = 500  # actions planned in one transaction

_READ = (*TOLD, "recipients", "standing")


@dataclass(frozen=True, slots=True)
class Planned:
    actions: int
    deliveries: int


def plan_new_actions(
    connection: Connection, catalogue: Catalogue, now: dt.datetime, line: Line | None = None
) -> Planned:
    """Plans what was accepted, and what became clear since, at most BATCH of each.

    `line`: the pace of mailboxes; without one every email is due at once.
    """
    feeds = ((actions, CURSOR), (clearances, CLEARED_CURSOR))
    found = [(cursor, _next_actions(connection, feed, cursor)) for feed, cursor in feeds]
    read = [(cursor, rows) for cursor, rows in found if rows]
    if line and read:
        _lock_all(connection, catalogue, line, [row for _, rows in read for row in rows])
    planned = 0
    for cursor, rows in read:
        clear = [row for row in rows if _is_clear(row)]
        planned += _Batch(connection, catalogue, now, line).carry(clear)
        move(connection, cursor, rows[-1].xact, rows[-1].seq)
    return Planned(max((len(rows) for _, rows in read), default=0), planned)


def _lock_all(
    connection: Connection, catalogue: Catalogue, line: Line, rows: Sequence[Any]
) -> None:
    """Locks, all at once, whatever this transaction needs of `paces`: also what close.py will.

    A second set of locks, whose keys may come before those of the first, could make the relay wait
    for a worker that waits for the relay.
    """
    slugs = {slug for row in rows if _is_clear(row) and _is_paced(row) for slug in row.recipients}
    planned = (box_of(catalogue, slug, line.now) for slug in slugs)
    closing = (box for _, box in due_digests(connection, catalogue, line.now))
    line.join(box for box in chain(planned, closing) if box)


class _Batch:
    """Puts each action of a batch on a carrier for each recipient."""

    def __init__(
        self, connection: Connection, catalogue: Catalogue, now: dt.datetime, line: Line | None
    ) -> None:
        self._connection = connection
        self._catalogue = catalogue
        self._now = now
        self._line = line
        self._boxes: dict[str, Box | None] = {}
        self._deliveries: list[Row] = []
        self._carriages: list[Row] = []

    def carry(self, clear: Sequence[Any]) -> int:
        """How many carriers were made."""
        carried = _carried(self._connection, [row.id for row in clear])
        pairs = list(_to_carry(clear, carried))
        self._join(pairs)
        signatures = [pair for pair in pairs if pair[0].channel == Channel.PETITION]
        singles = [pair for pair in pairs if pair[0].channel != Channel.PETITION]
        crowded = [pair for pair in singles if not self._single(*pair)]
        if self._deliveries:
            self._connection.execute(insert(deliveries), self._deliveries)
            self._connection.execute(insert(carriages), self._carriages)
        made = len(self._deliveries)
        made += gather(self._connection, OPEN_DIGEST, crowded, self._digest)
        made += gather(self._connection, OPEN_PETITION, signatures, self._petition)
        if self._line:
            self._line.save()
        return made

    def _join(self, pairs: Sequence[Pair]) -> None:
        slugs = {slug for row, slug in pairs if _is_paced(row)}
        boxes = {slug: box_of(self._catalogue, slug, self._now) for slug in slugs}
        self._boxes = boxes
        if self._line:
            self._line.join(box for box in boxes.values() if box)

    def _single(self, action: Any, recipient: str) -> bool:
        """Gives it a carrier of its own; False where its mailbox has no place for it."""
        box = self._boxes.get(recipient) if _is_paced(action) else None
        if box and self._line and self._line.is_full(box):
            return False  # of a crowd, almost all
        delivery = new_id()
        choice = choose(action.channel, self._case(action), self._now)
        if box:
            choice = replace(choice, mailbox=box.key)
        if box and self._line:
            at = self._line.place(box, delivery, choice.not_before)
            if at is None:
                return False
            choice = in_its_place(choice, box, at)
        self._deliveries.append(
            delivery_row(action, recipient, choice, self._at(action), delivery=delivery)
        )
        self._carriages.append(carriage_row(action.id, recipient, delivery))
        return True

    def _digest(self, action: Any, recipient: str) -> Row:
        box = self._boxes[recipient]
        assert box is not None
        assert self._line is not None  # else it had been a single
        embargo = choose(action.channel, self._case(action), self._now).not_before
        choice = digest_choice(box, self._line.digest_due(box, embargo))
        row = delivery_row(action, recipient, choice, self._at(action))
        return row | {"language": digest_language(self._catalogue, box.recipient, action)}

    def _petition(self, action: Any, recipient: str) -> Row:
        choice = choose(Channel.PETITION, None, self._now)
        return delivery_row(action, recipient, choice, self._at(action))

    def _case(self, action: Any) -> Case | None:
        return self._catalogue.cases.get(action.case)

    def _at(self, action: Any) -> dt.datetime:
        # The clock was read before the rows: what was accepted meanwhile is not planned before it.
        accepted_at: dt.datetime = action.accepted_at
        return max(self._now, accepted_at)


def _is_clear(action: Any) -> bool:
    return bool(action.standing == Standing.CLEAR and not action.erased_at)


def _is_paced(action: Any) -> bool:
    """Emails of test mode reach nobody, and use up nothing."""
    return bool(action.channel == Channel.EMAIL and action.mode == "live")


def _to_carry(clear: Sequence[Any], carried: set[tuple[UUID, str]]) -> Iterator[Pair]:
    for row in clear:
        for recipient in dict.fromkeys(row.recipients):
            if (row.id, recipient) not in carried:
                yield row, recipient


def choose(channel: str, case: Case | None, now: dt.datetime) -> Choice:
    """On which carrier an action by this channel rests; preview.py shows it beforehand."""
    held = WAITING.get(Channel(channel))
    if channel == Channel.PETITION:
        why = "One petition carries every signature for this case to this recipient."
        return Choice(carrier="petition", why=why, not_before=now, held=held)
    embargo = case.policy.embargo_until if case else None
    why = "A message of its own, due at once."
    if embargo and embargo > now:
        until = f"{embargo.astimezone(dt.UTC):%d %B %Y %H:%M} UTC"
        why = f"A message of its own; the case is under embargo until {until}."
    return Choice(carrier="single", why=why, not_before=max(now, embargo or now), held=held)


_AFTER = tuple(bindparam(name, type_=BigInteger) for name in ("b_xact", "b_seq"))


def _following(feed: Table) -> Select[Any]:
    """The actions that follow in a feed: their own, or that of those cleared later."""
    order = (feed.c.xact, feed.c.seq)
    wanted = select(
        *order,
        *(actions.c[name] for name in ("id", *_READ, "accepted_at", "erased_at")),
    )
    if feed is not actions:
        wanted = wanted.join_from(feed, actions, actions.c.id == feed.c.action_id)
    return (
        wanted.where(
            follows(*order, *_AFTER),
            feed.c.xact < settled_before(),
        )
        .order_by(*order)
        .limit(BATCH)
    )


# Made once: the relay asks them many times a second.
_FOLLOWING = {feed: _following(feed) for feed in (actions, clearances)}


def _next_actions(connection: Connection, feed: Table, cursor: str) -> Sequence[Any]:
    xact, seq = position(connection, cursor)
    return connection.execute(_FOLLOWING[feed], {"b_xact": xact, "b_seq": seq}).all()


def _carried(connection: Connection, ids: list[UUID]) -> set[tuple[UUID, str]]:
    if not ids:
        return set()
    found = connection.execute(
        select(carriages.c.action_id, carriages.c.recipient).where(carriages.c.action_id.in_(ids))
    )
    return {(row.action_id, row.recipient) for row in found}
