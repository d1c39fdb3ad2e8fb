"""Sums what organisers reported without names: claims, which stay apart from all that is counted.

In: intake's `reported_counts`.  Out: `Reported` rows.  There is no sum of these and of actions
anywhere: nobody could say what it would mean.
"""

from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from shared.tables.writing_events import reported_counts


@dataclass(frozen=True, slots=True, kw_only=True)
class Reported:
    """One case, kind and channel: what is claimed, and by how many reports."""

    campaign: str
    case: str
    kind: str
    channel: str
    number: int
    reports: int


def reported(connection: Connection, *, mode: str, campaign: str | None = None) -> list[Reported]:
    """In order of campaign, case, kind, channel; without what was withdrawn or not told yet."""
    counts = reported_counts.c
    keys = (counts.campaign, counts.case, counts.kind, counts.channel)
    query = select(
        *keys, func.sum(counts.number).label("number"), func.count().label("reports")
    ).where(counts.mode == mode, counts.withdrawn_at.is_(None), counts.number > 0)
    if campaign is not None:
        query = query.where(counts.campaign == campaign)
    rows = connection.execute(query.group_by(*keys).order_by(*keys))
    return [Reported(**row._mapping) for row in rows]
