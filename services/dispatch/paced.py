"""What the pace makes of an email, in words for people: a single in its place, or a digest.

In: a mailbox, and its place or day.  Out: a choice, as the delivery's row and its page show it.
"""

import datetime as dt
from dataclasses import replace
from typing import Any

from services.dispatch.carriers import Choice
from services.dispatch.pacing.line import Box, Place
from shared.catalogue import Catalogue, Recipient


def in_its_place(choice: Choice, box: Box, place: Place) -> Choice:
    """The same single, due in its turn."""
    why = choice.why if place.at <= choice.not_before else _why(box, place)
    return replace(choice, not_before=place.at, why=why)


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


def _why(box: Box, place: Place) -> str:
    ahead = {0: "none waits", 1: "1 waits"}.get(place.before, f"{place.before} wait")
    return (
        f"A message of its own. Its mailbox takes at most {box.hours.peak} emails an hour, on"
        f" working days; {ahead} before it, and its turn is {_local(box, place.at)}."
    )


def _local(box: Box, moment: dt.datetime) -> str:
    return f"{moment.astimezone(box.hours.zone):%d %B %Y %H:%M} ({box.hours.time_zone})"
