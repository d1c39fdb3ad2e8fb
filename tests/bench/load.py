"""What every figure needs: actions of one channel, and what became of exactly these.

Times are read from Writ's own tables, so that watching costs the clock nothing.
"""

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count, islice
from typing import Any
from uuid import UUID

from rich.progress import Progress
from sqlalchemy import func, select

from services.cli.campaign_tool import CampaignTool
from services.cli.summary import sandbox_counts
from services.cli.supporters import invent_actions
from shared.catalogue import Catalogue, Channel
from shared.clock import new_id, now
from shared.tables.dispatch import attempts, carriages, deliveries
from shared.tables.tracking import events
from tests.production import Production

PATIENCE_S = 300.0
LOOK_EVERY_S = 0.5  # looking takes time from what is measured
# Receipts come at once, and each email and letter arrives: every run does the same work.
STEADY = {
    "WRIT_DISPATCH_THREADS": "4",
    "WRIT_DISPATCH_CHUNK": "50",  # as many as one bulk call takes
    "WRIT_SANDBOX_RECEIPTS": "sqs",
    "WRIT_SANDBOX_LIFELIKE": "no",
    "WRIT_SANDBOX_RECEIPT_DELAY_MIN_S": "0",
    "WRIT_SANDBOX_RECEIPT_DELAY_MAX_S": "0",
}


@dataclass(frozen=True, slots=True)
class Load:
    """Deliveries of the actions of one submission."""

    deliveries: tuple[UUID, ...]
    planned: dt.datetime  # the first of them was planned
    handed_over: dt.datetime  # the last result was recorded
    told: dt.datetime  # the last receipt was recorded

    def __len__(self) -> int:
        return len(self.deliveries)


@dataclass(frozen=True, slots=True)
class Bench:
    """The Writ that is measured, and the bars that show how far it is."""

    writ: Production
    bars: Progress
    quick: bool
    seeds: Iterator[int] = field(default_factory=lambda: count(2021))

    def actions(self, channel: Channel) -> Iterator[dict[str, Any]]:
        """Of supporters who have done nothing yet."""
        return sendable(self.writ.catalogue(), channel, seed=next(self.seeds))

    @property
    def threads(self) -> int:
        """Of each dispatch process."""
        return int(self.writ.environment["WRIT_DISPATCH_THREADS"])

    def submit(self, channel: Channel, number: int, *, what: str) -> list[UUID]:
        """Submits invented actions that can leave at once; their ids when all are accepted."""
        bar = self.bars.add_task(f"{what}: accepted", total=number)
        tool = CampaignTool(self.writ.intake_url, self.writ.client.key, run=str(new_id()))
        bodies = islice(self.actions(channel), number)
        submitted = tool.submit(bodies)
        assert len(submitted.accepted) == number, f"{submitted.rejected} were rejected"
        self.bars.update(bar, completed=number)
        return [UUID(one) for one in submitted.accepted]

    def wait(self, channel: Channel, number: int, *, what: str) -> None:
        """Shows how many the sandbox has taken, until nothing moves any more."""
        with self.watching(channel, number, what=what) as show:
            self.writ.wait_until_quiet(PATIENCE_S, meanwhile=show, every_s=LOOK_EVERY_S)

    @contextmanager
    def watching(self, channel: Channel, number: int, *, what: str) -> Iterator[Any]:
        """A bar, and what moves it: full when about `number` more were taken by the sandbox."""
        bar = self.bars.add_task(f"{what}: delivered", total=number)
        before = self._taken(channel)
        yield lambda: self.bars.update(bar, completed=min(self._taken(channel) - before, number))
        self.bars.update(bar, completed=number)

    def told_at(self) -> dt.datetime:
        """When the last receipt of all was recorded."""
        with self.writ.database.read() as connection:
            return connection.scalar(select(func.max(events.c.received_at))) or now()

    def look(self, action_ids: list[UUID]) -> Load:
        """What became of the actions; all must have been handed over."""
        resting = carriages.c.action_id.in_(action_ids)
        with self.writ.database.read() as connection:
            rows = connection.execute(
                select(deliveries.c.id, deliveries.c.planned_at, deliveries.c.state)
                .join_from(carriages, deliveries, deliveries.c.id == carriages.c.delivery_id)
                .where(resting)
            ).all()
            assert {row.state for row in rows} == {"handed_over"}, "not all could leave"
            ids = [row.id for row in rows]
            ended = select(func.max(attempts.c.ended_at)).where(attempts.c.delivery_id.in_(ids))
            told = select(func.max(events.c.received_at)).where(events.c.delivery_id.in_(ids))
            return Load(
                tuple(ids),
                planned=min(row.planned_at for row in rows),
                handed_over=connection.scalar(ended) or now(),
                told=connection.scalar(told) or now(),
            )

    def _taken(self, channel: Channel) -> int:
        counts = sandbox_counts(self.writ.sandbox_url)
        return int(counts["emails" if channel is Channel.EMAIL else "letters"])


def sendable(catalogue: Catalogue, channel: Channel, *, seed: int) -> Iterator[dict[str, Any]]:
    """Invented actions of one channel whose recipients' addresses are all known and not held.

    Another seed gives other supporters: the same again would be duplicates, which nobody sends.
    """
    day = now().date()

    def can_leave(action: dict[str, Any]) -> bool:
        case = catalogue.cases[action["case"]]
        slugs = case.authorities if action["kind"] == "appeal" else case.solidarity
        recipients = [catalogue.recipients[slug] for slug in slugs]
        if channel is Channel.EMAIL:
            places = [one.mailbox_on(day) for one in recipients]
            return all(place and not place.hold for place in places)
        addresses = [None if one.paper_hold else one.address_on(day) for one in recipients]
        return all(place and not place.hold for place in addresses)

    for action in invent_actions(catalogue, seed=seed):
        if action["channel"] == channel and can_leave(action):
            yield action
