"""Counts a campaign: for each case and channel its actions, and its deliveries by state.

In: a campaign and a mode.  Out: `CaseTally` rows.  It reads every row of the campaign, so callers
remember the answer for a while (remembered.py).
"""

import datetime as dt
from collections import Counter
from dataclasses import dataclass, field

from sqlalchemy import Connection, Select, case, func, select

from services.tracking.words import SHOWN_STATE, ShownState
from shared.tables.dispatch import deliveries
from shared.tables.intake import actions
from shared.tables.tracking import outcomes


@dataclass(slots=True, kw_only=True)
class CaseTally:
    """One case by one channel."""

    campaign: str
    case: str
    channel: str
    actions: int = 0  # accepted
    actions_lately: int = 0
    deliveries: Counter[ShownState] = field(default_factory=Counter)  # by the state shown
    handed_over_lately: int = 0


def tally(
    connection: Connection, *, mode: str, since: dt.datetime, campaign: str | None = None
) -> list[CaseTally]:
    """In order of campaign, case, channel; "lately" means at or after `since`."""
    found: dict[tuple[str, str, str], CaseTally] = {}

    def row_of(campaign: str, case: str, channel: str) -> CaseTally:
        key = (campaign, case, channel)
        if key not in found:
            found[key] = CaseTally(campaign=campaign, case=case, channel=channel)
        return found[key]

    for row in connection.execute(_actions(mode, since, campaign)):
        one = row_of(row.campaign, row.case, row.channel)
        one.actions, one.actions_lately = row.number, row.lately or 0
    for row in connection.execute(_deliveries(mode, since, campaign)):
        one = row_of(row.campaign, row.case, row.channel)
        one.deliveries[ShownState(row.state)] += row.number
        one.handed_over_lately += row.lately or 0
    return [found[key] for key in sorted(found)]


def _actions(mode: str, since: dt.datetime, campaign: str | None) -> Select[*tuple[object, ...]]:
    keys = (actions.c.campaign, actions.c.case, actions.c.channel)
    lately = func.sum(case((actions.c.accepted_at >= since, 1), else_=0)).label("lately")
    query = select(*keys, func.count().label("number"), lately).where(actions.c.mode == mode)
    if campaign is not None:
        query = query.where(actions.c.campaign == campaign)
    return query.group_by(*keys)


def _deliveries(mode: str, since: dt.datetime, campaign: str | None) -> Select[*tuple[object, ...]]:
    keys = (deliveries.c.campaign, deliveries.c.case, deliveries.c.channel)
    lately = func.sum(case((deliveries.c.handed_over_at >= since, 1), else_=0)).label("lately")
    state = SHOWN_STATE.label("state")
    query = (
        select(*keys, state, func.count().label("number"), lately)
        .outerjoin_from(deliveries, outcomes, outcomes.c.delivery_id == deliveries.c.id)
        .where(deliveries.c.mode == mode)
    )
    if campaign is not None:
        query = query.where(deliveries.c.campaign == campaign)
    return query.group_by(*keys, state)
