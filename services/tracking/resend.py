"""Says which deliveries may leave again, and asks dispatch for it: only tracking knows their end.

In: deliveries with their outcomes and facts.  Out: those that provably did not arrive, what stands
against any other, and the command RESEND: one, however often it is asked for, until dispatch has
obeyed it; where it had no effect then, it may be asked for anew.
Dispatch looks again at what it can see.  A "delivered" that comes after the command was given
changes nothing: until the moment of asking, everything said that it came back.
"""

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any
from uuid import UUID, uuid5

import structlog
from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    exists,
    func,
    select,
    union_all,
)

from services.tracking.commands import Command, give
from services.tracking.words import SHOWN_STATE, EventWord, ShownState
from shared.again import SEEN_BY_DISPATCH, Against, first_against, none_against
from shared.privacy import Unreadable
from shared.tables.dispatch import (
    DeliveryState,
    attempts,
    carriages,
    deliveries,
    obeyed_commands,
)
from shared.tables.intake import actions
from shared.tables.tracking import Verb, commands, events, outcomes

# Names the commands: one for each try of a delivery.
_RESENDS = UUID("5b0b9a0e-6f0f-5d0c-9a55-1d6d7f7b2c94")

# What came back, and how that is known.
CAME_BACK: Mapping[ShownState, str] = {
    # A server took it in and sent it back later, refused it at once, or was never asked: the
    # provider has the address on its stop list.
    ShownState.BOUNCED: "the mailbox's side sent it back, or the provider threw it away",
    # A delivery that the provider tells of outranks it.
    ShownState.EXPIRED: "no server took it in, and the provider has stopped trying",
    ShownState.RETURNED: "the post brought it back",
    ShownState.REFUSED: "the provider passed it on to nobody",
}
# What did not, as it is said to who asks.
STANDS_AGAINST: Mapping[ShownState, str] = {
    ShownState.PLANNED: "It has not left yet.",
    ShownState.HELD: "It has not left yet: it waits for a person.",
    ShownState.SENDING: "It is being handed over right now.",
    ShownState.UNKNOWN: "Nobody can tell yet whether the provider took it.",
    ShownState.CANCELLED: "It was stopped before it left, and is not to leave.",
    ShownState.HANDED_OVER: "The provider took it, and has not said that it came back.",
    ShownState.PRINTED: "It is printed, and has not come back.",
    ShownState.POSTED: "It is with the post, and has not come back.",
    ShownState.LEFT_COUNTRY: "It left the country, and has not come back.",
    ShownState.DELIVERED: "It was delivered.",
    ShownState.ANSWERED: "It arrived: somebody wrote back.",
    ShownState.COMPLAINED: "It arrived, and its reader does not want it.",
}
#: Of a complaint its reason tells: what was only withheld for an earlier one reached nobody.
MAY_HAVE_COME_BACK = frozenset({*CAME_BACK, ShownState.COMPLAINED})
# Somebody had it before their eyes, whatever a mail server says of it besides.
_HAD_BY_SOMEBODY = (
    EventWord.OPENED,
    EventWord.CLICKED,
    EventWord.ACKNOWLEDGED,
    EventWord.ANSWERED,
)


SAYS: Mapping[Against, str] = {
    Against.NOTICE: "It asked the supporter a question, and is not sent again.",
    Against.PETITION: "It is a petition, and nobody hands petitions over yet.",
    Against.SENT_AGAIN: "It was sent again already.",
    Against.NOT_COME_BACK: "It has not come back.",
    Against.ARRIVED: "It was opened or answered: somebody has it.",
    Against.NOT_SETTLED: "An attempt may have been taken; ask again when that is settled.",
    Against.NOTHING_LEFT: "Nothing of it may leave: its supporter was erased, or took it back.",
    Against.OTHERS_TOO: "It carries other tools' actions, too: ask whoever runs Writ.",
}


class NotAgain(Exception):
    """It does not leave again.  `says` is for people, and names none of them."""

    def __init__(self, against: Against, says: str) -> None:
        super().__init__(against.value)
        self.against = against
        self.says = says


@dataclass(frozen=True, slots=True, kw_only=True)
class CameBack:
    """A delivery that may leave again."""

    id: UUID
    recipient: str
    case: str
    channel: str
    address: str | None = field(repr=False)  # that it came back from; None: nobody can tell


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """That dispatch was asked to send a delivery again, and what came of it."""

    command: UUID
    delivery: UUID
    asked_at: dt.datetime
    effect: str | None  # None: dispatch has not obeyed yet
    again_as: UUID | None


_STATES = [state.value for state in CAME_BACK]
# Taken by SES and never sent, for an earlier complaint.  Today that is `suppressed`; it was told as
# a complaint once.
_WITHHELD = and_(
    SHOWN_STATE.in_([ShownState.COMPLAINED.value]),
    func.coalesce(outcomes.c.reason, "") == "own_stop_list",
)
_HAD = exists(
    select(events.c.id).where(
        events.c.delivery_id == deliveries.c.id, events.c.word.in_(_HAD_BY_SOMEBODY)
    )
)
_AGAINST: Mapping[Against, ColumnElement[bool]] = {
    **SEEN_BY_DISPATCH,
    Against.NOT_COME_BACK: and_(SHOWN_STATE.not_in(_STATES), ~_WITHHELD),
    Against.ARRIVED: _HAD,
}
# Few of all: the rest is asked of these alone.
_refused = deliveries.alias("refused")
_CANDIDATES = union_all(
    select(outcomes.c.delivery_id)
    .where(outcomes.c.state.in_([state.value for state in MAY_HAVE_COME_BACK]))
    .correlate(None),
    select(_refused.c.id).where(_refused.c.state == DeliveryState.REFUSED),
)
_again, _last = deliveries.alias("again"), attempts.alias("last")

log = structlog.get_logger(__name__)


def why_not(
    connection: Connection, delivery_id: UUID, *, client_id: UUID | None = None
) -> NotAgain | None:
    """What stands against sending this delivery again; None: nothing does.

    `client_id`: on whose behalf, where it is not ops.
    """
    stands = dict(_AGAINST)
    if client_id is not None:
        stands[Against.OTHERS_TOO] = _carries_others(client_id)
    against = first_against(stands).label("against")
    query = _shown(against, SHOWN_STATE.label("state"), outcomes.c.since)
    row = connection.execute(query.where(deliveries.c.id == delivery_id)).one()
    if row.against is None:
        return None
    said = Against(row.against)
    if said is Against.NOT_COME_BACK:
        return NotAgain(said, _stands(ShownState(row.state), row.since))
    return NotAgain(said, SAYS[said])


def came_back(connection: Connection, recipient: str | None = None) -> list[CameBack]:
    """All that may leave again, in earnest, the earliest first; of one recipient, or of all."""
    told = (deliveries.c[name] for name in ("id", "recipient", "case", "channel"))
    last = and_(_last.c.delivery_id == deliveries.c.id, _last.c.number == deliveries.c.attempts)
    query = (
        _shown(*told, _last.c.id.label("attempt_id"), _last.c.address)
        .outerjoin(_last, last)
        .where(deliveries.c.id.in_(_CANDIDATES), deliveries.c.mode == "live")
        .where(none_against(_AGAINST))
        .order_by(deliveries.c.id)
    )
    if recipient is not None:
        query = query.where(deliveries.c.recipient == recipient)
    return [_came_back(row) for row in connection.execute(query)]


def _came_back(row: Any) -> CameBack:
    try:
        address = row.address and row.address.open(row.attempt_id)
    except Unreadable as error:
        log.error("unreadable", attempt_id=str(row.attempt_id), error=str(error))
        address = None
    return CameBack(
        id=row.id, recipient=row.recipient, case=row.case, channel=row.channel, address=address
    )


def command(connection: Connection, delivery_id: UUID, *, given_by: str, why: str) -> Command:
    """The one that asks for it.  Whoever asks again before dispatch has obeyed gives the same."""
    obeyed = sum(one.effect is not None for one in _tries(connection, delivery_id))
    return Command(
        id=_try(delivery_id, obeyed),
        verb=Verb.RESEND,
        delivery_id=delivery_id,
        given_by=given_by,
        why=why,
    )


def ask(connection: Connection, wish: Command, client_id: UUID, now: dt.datetime) -> Asked:
    """Gives the command for a client; one that waits, or was of use, is told as it stands now.

    Raises NotAgain.
    """
    assert wish.delivery_id is not None  # `command` names it
    tries = list(_tries(connection, wish.delivery_id))
    if tries and (tries[-1].effect is None or tries[-1].again_as):
        return tries[-1]
    if refusal := why_not(connection, wish.delivery_id, client_id=client_id):
        raise refusal
    give(connection, wish, now)
    found = _asked(connection, wish.id)
    assert found is not None  # given just now, by us or by who was faster
    return found


def _try(delivery_id: UUID, number: int) -> UUID:
    """The id of the command that asks for it after so many others were obeyed."""
    return uuid5(_RESENDS, f"{delivery_id}|{number}")


def _tries(connection: Connection, delivery_id: UUID) -> Iterator[Asked]:
    """What came of each command for it, in order: one after the other, hardly ever more than one.

    By their ids, each of which an index finds; all but the last were obeyed.
    """
    for number in count():
        if (one := _asked(connection, _try(delivery_id, number))) is None:
            return
        yield one


def _asked(connection: Connection, command_id: UUID) -> Asked | None:
    row = connection.execute(
        select(
            commands.c.id.label("command"),
            commands.c.delivery_id.label("delivery"),
            commands.c.given_at.label("asked_at"),
            obeyed_commands.c.effect,
            _again.c.id.label("again_as"),
        )
        .outerjoin_from(commands, obeyed_commands, obeyed_commands.c.command_id == commands.c.id)
        .outerjoin(_again, _again.c.again_of == commands.c.delivery_id)
        .where(commands.c.id == command_id)
    ).one_or_none()
    return Asked(**row._mapping) if row else None


def _carries_others(client_id: UUID) -> ColumnElement[bool]:
    return exists(
        select(actions.c.id)
        .join(carriages, carriages.c.action_id == actions.c.id)
        .where(carriages.c.delivery_id == deliveries.c.id, actions.c.client_id != client_id)
    )


def _stands(state: ShownState, since: dt.datetime | None) -> str:
    said = STANDS_AGAINST[state]
    return f"{said} That was on {since:%d %B %Y}." if since else said


def _shown(*columns: ColumnElement[Any]) -> Select[Any]:
    return select(*columns).outerjoin_from(
        deliveries, outcomes, outcomes.c.delivery_id == deliveries.c.id
    )
