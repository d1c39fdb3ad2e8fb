"""Sends again what came back: a new delivery, on which the actions of the earlier one rest.

In: the command RESEND, which tracking gives only where the earlier one provably did not arrive.
Out: a row of `deliveries` with a new id, so that no provider takes the repeat for the original, and
`carriages` that moved to it, the erased with the others: every action still rests on one carrier
for each recipient, and whoever forgets an erased one finds all that carried it.  What can be seen
here is looked at again; a receipt that comes between asking and obeying cannot (it is tracking's,
downstream), so that a "delivered" that late is read in the timeline only.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import Connection, insert, or_, select, update

from services.dispatch.carriers import Row, delivery_row
from services.dispatch.digests import CARRIER as DIGEST
from services.dispatch.pacing.line import box_of
from services.dispatch.plan import choose
from services.dispatch.stops import RECIPIENT, held_reason, stopped
from shared.again import SEEN_BY_DISPATCH, Against, first_against
from shared.catalogue import Catalogue, Channel
from shared.tables.dispatch import carriages, deliveries

#: It waits so long that every worker knows the pack that was mended just before
#: (shared/catalogue_reader.py: a second), and does not send it where it came back from.
AFTER_LOAD = dt.timedelta(seconds=5)

_SAID = "Sent again: the first one came back."
#: As the effect tells it.
SAYS: Mapping[Against, str] = {
    Against.NOTICE: "a notice is asked anew, and not sent again",
    Against.PETITION: "a petition is not sent again: nobody hands petitions over yet",
    Against.SENT_AGAIN: "it was sent again already",
    Against.NOT_SETTLED: "it has not ended, or an attempt of it may have been taken unseen",
    Against.NOTHING_LEFT: (
        "nothing rests on it that may leave: its actions were erased or taken back"
    ),
}

log = structlog.get_logger(__name__)


def resend(connection: Connection, command: Any, catalogue: Catalogue, now: dt.datetime) -> str:
    """Obeys RESEND.  The effect, in words."""
    this = deliveries.c.id == command.delivery_id
    # Locked by itself: whoever waited for the lock sees what the other did only in a new statement.
    earlier = connection.execute(select(deliveries).where(this).with_for_update()).one_or_none()
    if earlier is None:
        return "no effect: there is no such delivery"
    if against := connection.scalar(select(first_against(SEEN_BY_DISPATCH)).where(this)):
        return f"no effect: {SAYS[Against(against)]}"
    again = _again(connection, earlier, catalogue, now)
    connection.execute(insert(deliveries).values(again))
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
    """All of it.  What was erased goes along and does not leave, as on any carrier; left behind,
    the deliveries before would be found no more when it is forgotten.
    """
    was_theirs = or_(deliveries.c.id == earlier, deliveries.c.moved_to == earlier)
    connection.execute(update(deliveries).where(was_theirs).values(moved_to=again))
    rests_on_it = carriages.c.delivery_id == earlier
    connection.execute(update(carriages).where(rests_on_it).values(delivery_id=again))
