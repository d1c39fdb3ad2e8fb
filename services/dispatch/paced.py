"""What the pace makes of an email, in words for people: a single in its place, or a digest.

In: a mailbox, and its place or day.  Out: a choice, as the delivery's row and its page show it; and
which digests close now, which planning must know as well as closing does.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, bindparam, select, text

from services.dispatch.carriers import OPEN_DIGEST, Choice
from services.dispatch.pacing.line import Box, box_of
from shared.catalogue import Catalogue, Recipient
from shared.tables.dispatch import deliveries

# Not ordered here: SQLite would read all deliveries in that order rather than sort a few.
DUE_DIGESTS = select(deliveries).where(
    text(OPEN_DIGEST),
    deliveries.c.held_reason.is_(None),
    deliveries.c.next_attempt_at <= bindparam("b_now"),
)


def due_digests(
    connection: Connection, catalogue: Catalogue, now: dt.datetime
) -> Sequence[tuple[Any, Box | None]]:
    """The open digests whose moment has come, in the order of their ids, and where they go."""
    rows = connection.execute(DUE_DIGESTS, {"b_now": now}).all()
    boxes = {slug: box_of(catalogue, slug, now) for slug in {row.recipient for row in rows}}
    return [(row, boxes[row.recipient]) for row in sorted(rows, key=lambda row: row.id.int)]


def in_its_place(choice: Choice, box: Box, at: dt.datetime) -> Choice:
    """The same single, due in its turn."""
    why = choice.why if at <= choice.not_before else _why(box, at)
    return replace(choice, not_before=at, why=why)


def digest_choice(box: Box, due: dt.datetime) -> Choice:
    why = (
        f"One email for everything that finds no place of its own: the mailbox takes at most"
        f" {box.hours.peak} emails an hour, and the next working day is full, or it may not leave"
        f" before. Due {_local(box, due)}; what comes later goes into the next one."
    )
    return Choice(carrier="digest", why=why, not_before=due, mailbox=box.key)


def digest_language(catalogue: Catalogue, recipient: Recipient, action: Any) -> str:
    """The first of the recipient's languages in which the case has a text; else the action's."""
    known = (
        one for one in recipient.languages if catalogue.template(action.case, action.kind, one)
    )
    language: str = next(known, action.language)
    return language


def _why(box: Box, at: dt.datetime) -> str:
    # Not how many wait before it: a client reads this, and the others are other clients'.
    return (
        f"A message of its own. Its mailbox takes at most {box.hours.peak} emails an hour, on"
        f" working days; its turn is {_local(box, at)}."
    )


def _local(box: Box, moment: dt.datetime) -> str:
    return f"{moment.astimezone(box.hours.zone):%d %B %Y %H:%M} ({box.hours.time_zone})"
