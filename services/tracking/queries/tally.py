"""Counts a campaign: for each case, kind and channel its actions, and its deliveries by state.

In: a campaign and a mode.  Out: `CaseTally` rows.  It reads every row of the campaign, so callers
remember the answer for a while (remembered.py).
"""

import datetime as dt
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Select, case, func, select

from services.tracking.words import SHOWN_STATE, ShownState
from shared.tables.dispatch import deliveries
from shared.tables.intake import Standing, actions
from shared.tables.tracking import outcomes


@dataclass(slots=True, kw_only=True)
class CaseTally:
    """One case by one channel.

    `actions` stand for their supporters: carried, or counted alone.  What a supporter did twice,
    and what waits or fell away, is told apart, by its standing.
    """

    campaign: str
    case: str
    kind: str
    channel: str
    actions: int = 0  # clear or counted
    actions_lately: int = 0
    apart: Counter[str] = field(default_factory=Counter)  # the others, by their standing
    deliveries: Counter[ShownState] = field(default_factory=Counter)  # by the state shown
    handed_over_lately: int = 0


def tally(
    connection: Connection, *, mode: str, since: dt.datetime, campaign: str | None = None
) -> list[CaseTally]:
    """In order of campaign, case, kind, channel; "lately" means at or after `since`."""
    found: dict[tuple[str, str, str, str], CaseTally] = {}

    def row_of(row: Any) -> CaseTally:
        key = (row.campaign, row.case, row.kind, row.channel)
        if key not in found:
            found[key] = CaseTally(**dict(zip(_KEYS, key, strict=True)))
        return found[key]

    for row in connection.execute(_actions(mode, since, campaign)):
        one = row_of(row)
        if row.standing in _STANDING_FOR_SOMEBODY:
            one.actions += row.number
            one.actions_lately += row.lately or 0
        else:
            one.apart[row.standing] += row.number
    for row in connection.execute(_deliveries(mode, since, campaign)):
        one = row_of(row)
        one.deliveries[ShownState(row.state)] += row.number
        one.handed_over_lately += row.lately or 0
    return [found[key] for key in sorted(found)]


_KEYS = ("campaign", "case", "kind", "channel")
_STANDING_FOR_SOMEBODY = (Standing.CLEAR, Standing.COUNTED)


def _actions(mode: str, since: dt.datetime, campaign: str | None) -> Select[*tuple[object, ...]]:
    keys = (*(actions.c[name] for name in _KEYS), actions.c.standing)
    lately = func.sum(case((actions.c.accepted_at >= since, 1), else_=0)).label("lately")
    query = select(*keys, func.count().label("number"), lately).where(actions.c.mode == mode)
    if campaign is not None:
        query = query.where(actions.c.campaign == campaign)
    return query.group_by(*keys)


def _deliveries(mode: str, since: dt.datetime, campaign: str | None) -> Select[*tuple[object, ...]]:
    keys = [deliveries.c[name] for name in _KEYS]
    lately = func.sum(case((deliveries.c.handed_over_at >= since, 1), else_=0)).label("lately")
    state = SHOWN_STATE.label("state")
    query = (
        select(*keys, state, func.count().label("number"), lately)
        .outerjoin_from(deliveries, outcomes, outcomes.c.delivery_id == deliveries.c.id)
        # A notice is a word to a supporter, and no delivery of the case.
        .where(deliveries.c.mode == mode, deliveries.c.carrier != "notice")
    )
    if campaign is not None:
        query = query.where(deliveries.c.campaign == campaign)
    return query.group_by(*keys, state)
