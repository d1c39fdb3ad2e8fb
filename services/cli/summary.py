"""Counts what a run came to, from the tables and from the sandbox's own truth."""

import json
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import urllib3
from sqlalchemy import ColumnElement, Connection, exists, func, select

from services.tracking.words import SHOWN_STATE
from shared.database import Database
from shared.tables.dispatch import carriages, deliveries
from shared.tables.intake import Standing, actions
from shared.tables.tracking import outcomes


@dataclass(frozen=True, slots=True)
class Tally:
    """Deliveries by case, channel and shown state; accepted actions that rest on no carrier."""

    rows: tuple[tuple[str, str, str, int], ...]
    unaccounted: int

    def by_state(self) -> dict[str, int]:
        return self._by(2)

    def by_channel(self) -> dict[str, int]:
        return self._by(1)

    def _by(self, column: int) -> dict[str, int]:
        sums: dict[str, int] = {}
        for row in self.rows:
            key = str(row[column])
            sums[key] = sums.get(key, 0) + row[3]
        return dict(sorted(sums.items()))


def tally(connection: Connection, client_id: UUID) -> Tally:
    """Of one client's actions."""
    of_client = actions.c.client_id == client_id
    columns = (deliveries.c.case, deliveries.c.channel, SHOWN_STATE)
    rows = connection.execute(
        select(*columns, func.count())
        .select_from(deliveries)
        .outerjoin(outcomes, outcomes.c.delivery_id == deliveries.c.id)
        .join(carriages, carriages.c.delivery_id == deliveries.c.id)
        .join(actions, actions.c.id == carriages.c.action_id)
        .where(of_client, deliveries.c.carrier != "notice")  # a word to the supporter
        .group_by(*columns)
        .order_by(*columns)
    )
    found = tuple((row[0], row[1], str(row[2]), row[3]) for row in rows)
    return Tally(found, unaccounted(connection, of_client))


def unaccounted(connection: Connection, among: ColumnElement[bool]) -> int:
    """Actions that are to be carried and rest on no carrier."""
    resting = exists().where(
        carriages.c.action_id == actions.c.id, ~carriages.c.recipient.startswith("notice/")
    )
    to_carry = (actions.c.standing == Standing.CLEAR, actions.c.erased_at.is_(None))
    return connection.scalar(select(func.count()).where(among, *to_carry, ~resting)) or 0


def handed_over(connection: Connection, providers: Collection[str]) -> dict[str, int]:
    """Deliveries that these providers took, by channel, of all clients."""
    rows = connection.execute(
        select(deliveries.c.channel, func.count())
        .where(deliveries.c.state == "handed_over", deliveries.c.provider.in_(providers))
        .group_by(deliveries.c.channel)
    )
    return {row[0]: row[1] for row in rows}


def sandbox_counts(sandbox_url: str) -> dict[str, Any]:
    """What the sandbox says it took: GET /sandbox/counts."""
    answer = urllib3.request("GET", f"{sandbox_url}/sandbox/counts", timeout=10)
    counts: dict[str, Any] = json.loads(answer.data)
    return counts


#: The providers that the sandbox stands in for.
SANDBOXED = ("ses", "print_vendor", "lob", "pingen")


def agrees(database: Database, counts: dict[str, Any]) -> bool:
    """Whether the sandbox took what we say we handed over, and nothing twice."""
    with database.read() as connection:
        ours = handed_over(connection, SANDBOXED)
    same = (ours.get("email", 0), ours.get("letter", 0)) == (counts["emails"], counts["letters"])
    copies: int = max(counts["emails_by_delivery_max"], counts["letters_by_delivery_max"])
    return same and copies <= 1
