"""How things look on the console: times in words, states as colours and groups, figures as bars.

In: values.  Out: HTML-safe text and numbers for the templates.  Geometry is given as SVG
attributes, so that the pages need no inline style.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from markupsafe import Markup

from services.tracking.words import ShownState

# The order in which states stand in tables and bars: from waiting to its end, the good end first.
ORDER = (
    ShownState.PLANNED,
    ShownState.HELD,
    ShownState.SENDING,
    ShownState.UNKNOWN,
    ShownState.HANDED_OVER,
    ShownState.PRINTED,
    ShownState.POSTED,
    ShownState.LEFT_COUNTRY,
    ShownState.DELIVERED,
    ShownState.ANSWERED,
    ShownState.BOUNCED,
    ShownState.RETURNED,
    ShownState.EXPIRED,
    ShownState.REFUSED,
    ShownState.COMPLAINED,
    ShownState.CANCELLED,
)
GROUPS: Mapping[str, tuple[ShownState, ...]] = {
    "waiting": (ShownState.PLANNED, ShownState.HELD, ShownState.SENDING, ShownState.UNKNOWN),
    "on their way": (
        ShownState.HANDED_OVER,
        ShownState.PRINTED,
        ShownState.POSTED,
        ShownState.LEFT_COUNTRY,
    ),
    "arrived": (ShownState.DELIVERED, ShownState.ANSWERED, ShownState.COMPLAINED),
    "came back": (
        ShownState.BOUNCED,
        ShownState.RETURNED,
        ShownState.EXPIRED,
        ShownState.REFUSED,
    ),
    "cancelled": (ShownState.CANCELLED,),
}
_STEPS = (
    (dt.timedelta(days=365), "year"),
    (dt.timedelta(days=30), "month"),
    (dt.timedelta(days=1), "day"),
    (dt.timedelta(hours=1), "hour"),
    (dt.timedelta(minutes=1), "minute"),
)


@dataclass(frozen=True, slots=True)
class Slice:
    """A part of a bar: where it begins and how wide it is, in percent."""

    state: ShownState
    number: int
    x: float
    width: float


def bar(numbers: Mapping[ShownState, int], full: int) -> list[Slice]:
    """The slices of one bar in which `full` deliveries fill it all."""
    slices, x = [], 0.0
    for state in ORDER:
        number = numbers.get(state, 0)
        if number:
            width = 100 * number / max(full, 1)
            slices.append(Slice(state, number, round(x, 3), round(width, 3)))
            x += width
    return slices


def grouped(numbers: Mapping[ShownState, int]) -> dict[str, int]:
    """Deliveries by group of states."""
    return {name: sum(numbers.get(state, 0) for state in states) for name, states in GROUPS.items()}


def state_word(state: str) -> str:
    return state.replace("_", " ")


def thousands(number: int) -> str:
    return f"{number:,}"


def ago(at: dt.datetime | None, now: dt.datetime) -> str | Markup:
    """A time as people say it, with the exact one in UTC for who wants to know."""
    if at is None:
        return "never"
    exact = at.astimezone(dt.UTC)
    return Markup('<time datetime="{}" title="{} UTC">{}</time>').format(
        exact.isoformat(timespec="seconds"), f"{exact:%Y-%m-%d %H:%M:%S}", distance(at, now)
    )


def exactly(at: dt.datetime) -> str:
    return f"{at.astimezone(dt.UTC):%d %b %Y, %H:%M:%S} UTC"


def distance(at: dt.datetime, now: dt.datetime) -> str:
    gap = abs(now - at)
    for step, name in _STEPS:
        number = gap // step
        if number:
            said = f"{number} {name}{'' if number == 1 else 's'}"
            return f"{said} ago" if at <= now else f"in {said}"
    return "just now" if at <= now else "in a moment"


def percent(part: int, whole: int) -> str:
    """A share for people: never 100 % where something is missing, never 0 % where something is."""
    if not whole or not part:
        return "0 %"
    share = 100 * part / whole
    if part < whole:
        share = min(share, 99.9)
    return f"{share:.1f} %" if share < 10 or share > 99 else f"{share:.0f} %"
