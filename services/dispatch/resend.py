"""Sends again what came back: a new delivery, on which the actions of the earlier one rest.

In: the command RESEND, which tracking gives only where the earlier one provably did not arrive.
Out: a row of `deliveries` with a new id, so that no provider takes the repeat for the original, and
`carriages` that moved to it: every action still rests on one carrier for each recipient.  What can
be seen here is looked at again; a receipt that comes between asking and obeying cannot (it is
tracking's, downstream), so that a "delivered" that late is read in the timeline only.
"""

import datetime as dt
from dataclasses import replace
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import Connection, case, exists, null, or_, select, update

from services.dispatch.carriers import Row, delivery_row
from services.dispatch.digests import CARRIER as DIGEST
from services.dispatch.erased import IS_UNCLEAR
from services.dispatch.notices import CARRIER as NOTICE
from services.dispatch.pacing.line import box_of
from services.dispatch.plan import choose
from services.dispatch.stops import RECIPIENT, held_reason, stopped
from shared.again import CARRIES_ON, IS_SENT_AGAIN, MAY_LEAVE
from shared.catalogue import Catalogue, Channel
from shared.database import insert_new
from shared.tables.dispatch import AttemptState, DeliveryState, attempts, carriages, deliveries
from shared.tables.intake import actions

#: It waits so long that every worker knows the pack that was mended just before
#: (shared/catalogue_reader.py: a second), and does not send it where it came back from.
AFTER_LOAD = dt.timedelta(seconds=5)

_SAID = "Sent again: the first one came back."
_ENDED = (DeliveryState.HANDED_OVER, DeliveryState.REFUSED)
_IS_UNDER_WAY = exists(
    select(attempts.c.id).where(
        attempts.c.delivery_id == deliveries.c.id, attempts.c.state == AttemptState.STARTED
    )
)
#: What stands against it, the first of them said.
_AGAINST = case(
    (deliveries.c.carrier == NOTICE, "a notice is asked anew, and not sent again"),
    (IS_SENT_AGAIN, "it was sent again already"),
    (deliveries.c.state.not_in(_ENDED), "the delivery has not ended"),
    (or_(IS_UNCLEAR, _IS_UNDER_WAY), "an attempt may have been taken, and nobody can tell yet"),
    (~CARRIES_ON, "nothing rests on it that may leave: its actions were erased or taken back"),
    else_=null(),
)

log = structlog.get_logger(__name__)


def resend(connection: Connection, command: Any, catalogue: Catalogue, now: dt.datetime) -> str:
    """Obeys RESEND.  The effect, in words."""
    this = deliveries.c.id == command.delivery_id
    # Locked by itself: whoever waited for the lock sees what the other did only in a new statement.
    earlier = connection.execute(select(deliveries).where(this).with_for_update()).one_or_none()
    if earlier is None:
        return "no effect: there is no such delivery"
    if against := connection.scalar(select(_AGAINST).where(this)):
        return f"no effect: {against}"
    again = _again(connection, earlier, catalogue, now)
    if not insert_new(connection, deliveries, [again]):
        return f"no effect: another {earlier.carrier} gathers for this recipient"
    _move(connection, earlier.id, again["id"])
    log.info("sent_again", delivery_id=str(again["id"]), again_of=str(earlier.id))
    held = "; it waits for a person" if again["held_reason"] else ""
    return f"sent again as {again['id']}{held}"


def _again(connection: Connection, earlier: Any, catalogue: Catalogue, now: dt.datetime) -> Row:
    """The same, due as if it were planned today; of the mailbox that the office has today."""
    choice = choose(earlier.channel, catalogue.cases.get(earlier.case), now)
    is_paced = earlier.channel == Channel.EMAIL and earlier.mode == "live"
    box = box_of(catalogue, earlier.recipient, now) if is_paced else None
    choice = replace(
        choice,
        carrier=earlier.carrier,
        why=_why(earlier.why),
        not_before=max(choice.not_before, now + AFTER_LOAD),
        mailbox=box.key if box else earlier.mailbox,
    )
    held = choice.held or _stopped(connection, earlier, choice.mailbox, catalogue, now)
    row = delivery_row(earlier, earlier.recipient, replace(choice, held=held), now)
    # Closed from the start: what comes today is gathered on a digest of its own.
    closed_at = now if earlier.carrier == DIGEST else None
    return row | {"again_of": earlier.id, "closed_at": closed_at}


def _why(earlier: str) -> str:
    """The first sentence of the earlier reason: its turn and its day are over."""
    first = earlier.removeprefix(_SAID).strip().partition(". ")[0].rstrip(".")
    return f"{_SAID} {first}."


def _stopped(
    connection: Connection,
    earlier: Any,
    mailbox: str | None,
    catalogue: Catalogue,
    now: dt.datetime,
) -> str | None:
    """Why it waits from the start: a stop holds what is sent again like anything else."""
    if earlier.mode != "live":
        return None
    keys = [f"{RECIPIENT}{earlier.recipient}", *([mailbox] if mailbox else [])]
    found = stopped(connection, keys)
    reasons = (
        held_reason(found[key], catalogue, earlier.recipient, earlier.case, now)
        for key in keys
        if key in found
    )
    return next(reasons, None)


def _move(connection: Connection, earlier: UUID, again: UUID) -> None:
    """What was erased or taken back stays where it was: it never leaves again."""
    was_theirs = or_(deliveries.c.id == earlier, deliveries.c.moved_to == earlier)
    connection.execute(update(deliveries).where(was_theirs).values(moved_to=again))
    may_leave = exists(select(actions.c.id).where(actions.c.id == carriages.c.action_id, MAY_LEAVE))
    connection.execute(
        update(carriages)
        .where(carriages.c.delivery_id == earlier, may_leave)
        .values(delivery_id=again)
    )
