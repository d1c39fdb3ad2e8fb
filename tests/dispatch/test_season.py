"""A season in fast time: 400,000 actions to one mailbox, and no limit of it is ever broken.

The plan, the digests' closing, the wake-ups, the guard, the claims and the records are the real
ones, on the embedded engine; the clock jumps from one moment at which something happens to the
next, and the provider only writes down what it takes.
"""

import datetime as dt
import math
import random
import sys
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, cast
from uuid import UUID

import pytest
from sqlalchemy import bindparam, event, func, select, text

from services.dispatch import claims
from services.dispatch.admission import Admission
from services.dispatch.claims import Ended
from services.dispatch.close import MAX_IN_DIGEST, close_digests
from services.dispatch.due import Prepared
from services.dispatch.pacing.hours import hours_of
from services.dispatch.pacing.line import Line
from services.dispatch.pacing.slots import local_day
from services.dispatch.plan import BATCH, plan_new_actions
from services.dispatch.providers.contract import Email, Taken
from services.dispatch.recover import forget_lost_wakes
from services.dispatch.rendering.entries import Entry
from services.dispatch.wake import mark_due
from shared.catalogue import Recipient
from shared.clock import new_id
from shared.tables.dispatch import (
    DUE_UNWOKEN,
    DUE_WOKEN,
    AttemptState,
    DeliveryState,
    carriages,
    deliveries,
)
from shared.tables.intake import actions
from shared.tables.pacing import paces
from tests.dispatch.builders import World, a_due
from tests.dispatch.entries import a_case, a_catalogue, a_recipient, a_template

ACTIONS = 400_000
OPENS = dt.datetime(2026, 10, 26, tzinfo=dt.UTC)  # a Monday, eight weeks before Christmas
WEEKS = 8
CASES = ("mikita", "nasta", "vera")  # of one campaign, before one authority
PEAK = dt.datetime(2026, 12, 10, tzinfo=dt.UTC)  # Human Rights Day
HOUR = dt.timedelta(hours=1)
MINUTE = dt.timedelta(minutes=1)
SECOND = dt.timedelta(seconds=1)
EMAIL = "office@prosecutor.example"
DOMAIN_PER_HOUR = 1200


_EMAILS = deliveries.c.channel == "email"
NEXT = select(
    select(func.min(deliveries.c.next_attempt_at))
    .where(text(DUE_UNWOKEN), _EMAILS)
    .scalar_subquery(),
    select(func.max(paces.c.free_at)).scalar_subquery(),
    select(func.min(deliveries.c.woken_at)).where(text(DUE_WOKEN), _EMAILS).scalar_subquery(),
)
WOKEN = select(
    *(deliveries.c[name] for name in ("carrier", "case", "mailbox", "attempts")),
    select(func.count())
    .where(carriages.c.delivery_id == deliveries.c.id)
    .scalar_subquery()
    .label("number"),
).where(deliveries.c.id == bindparam("b_id"), text(DUE_WOKEN))


@dataclass
class Season:
    """One relay and one worker; what the provider took is in `taken`."""

    world: World
    office: Recipient
    chance: random.Random
    taken: dict[UUID, tuple[str, dt.datetime]] = field(default_factory=dict)
    claimed: list[dt.datetime] = field(default_factory=list)
    rounds: int = 0
    lost: bool = False  # a wake-up

    def __post_init__(self) -> None:
        self.admission = Admission(
            catalogue=lambda: self.world.catalogue,
            clock=self.world.clock,
            paced=True,
            domain_per_hour=DOMAIN_PER_HOUR,
        )

    def live(self) -> None:
        """Until nothing is due any more."""
        coming = list(arrivals())
        while True:
            moments = [at for at in (self._next_due(), *[at for at, _ in coming[:1]]) if at]
            if not moments:
                return
            self.world.clock.at = max(self.world.clock.at, min(moments))
            self.rounds += 1
            if coming and coming[0][0] <= self.world.clock.at:
                accept(self.world, *coming.pop(0), self.chance)
                self._plan()
            self._round()

    def _plan(self) -> None:
        """What the relay does of new actions."""
        now, more = self.world.clock(), True
        while more:
            with self.world.database.begin() as connection:
                line = Line(connection, now, domain_per_hour=DOMAIN_PER_HOUR)
                planned = plan_new_actions(connection, self.world.catalogue, now, line)
            more = planned.actions == BATCH

    def _round(self) -> None:
        """What it does of what is due, and a worker with what was woken."""
        now = self.world.clock()
        with self.world.database.begin() as connection:
            if self.lost and forget_lost_wakes(connection, now, rewake_s=120):
                self.lost = False
            line = Line(connection, now, domain_per_hour=DOMAIN_PER_HOUR)
            close_digests(connection, self.world.catalogue, line)
            ids = mark_due(
                connection, channel="email", now=now, backlog=2000, domain_per_hour=DOMAIN_PER_HOUR
            )
        if ids and self.chance.random() < 0.01:
            self.lost = True
            return
        for _ in range(2 if self.chance.random() < 0.01 else 1):  # some messages come twice
            self._work(ids)

    def _work(self, ids: Sequence[UUID]) -> None:
        prepared = [one for one in map(self._prepared, ids) if one]
        with self.world.database.begin() as connection:
            ready, at = self.admission.admit(connection, prepared, "ses")
            ours = claims.claim(connection, [(one, "ses") for one in ready], at) if ready else ()
        if not ours:
            return
        self.claimed += [at] * len(ready)
        with self.world.database.begin() as connection:
            ended = [self._called(one) for one in ready if one.due.id in ours]
            claims.record(connection, ended, at)

    def _prepared(self, delivery: UUID) -> Prepared | None:
        with self.world.database.read() as connection:
            row = connection.execute(WOKEN, {"b_id": delivery}).one_or_none()
        if row is None:
            return None
        entry = Entry(name=None, country=None, words=None, language="en", reference=delivery)
        due = a_due(
            id=delivery,
            carrier=row.carrier,
            case=row.case,
            mailbox=row.mailbox,
            attempts=row.attempts,
            entries=(entry,) * (row.number if row.carrier == "digest" else 0),
        )
        email = Email(
            delivery_id=delivery, from_="", to=EMAIL, reply_to=None, subject="", text="", html=""
        )
        return Prepared(
            due=due,
            attempt_id=new_id(),
            handover=email,
            document="",
            content=b"",
            holder=None,
            address=EMAIL,
        )

    def _called(self, one: Prepared) -> Ended:
        """One call in a hundred is waved away."""
        now, fails = self.world.clock(), self.chance.random() < 0.01
        if not fails:
            assert one.due.id not in self.taken
            self.taken[one.due.id] = (one.due.carrier, now)
        return Ended(
            delivery_id=one.due.id,
            attempt_id=one.attempt_id,
            number=one.due.attempts + 1,
            attempt=AttemptState.NOT_SENT if fails else AttemptState.SENT,
            delivery=DeliveryState.DUE if fails else DeliveryState.HANDED_OVER,
            provider="ses",
            taken=None if fails else Taken(provider_id=str(one.due.id)),
            next_attempt_at=now + dt.timedelta(seconds=30),
        )

    def _next_due(self) -> dt.datetime | None:
        """When the next delivery is due and its mailbox free; a lost wake-up is waited for."""
        with self.world.database.read() as connection:
            due, free, woken = connection.execute(NEXT).one()
        if woken:
            return cast(dt.datetime, woken) + dt.timedelta(seconds=121)
        return max(due, free or due, self.world.clock() + SECOND) if due else None


def arrivals() -> Iterator[tuple[dt.datetime, int]]:
    """Every other hour: few by night, and almost half of all in the week of the peak."""
    moments = [OPENS + n * HOUR for n in range(0, WEEKS * 7 * 24, 2)]
    weights = [
        (1 + 6 * math.exp(-(((at - PEAK) / dt.timedelta(days=4)) ** 2)))
        * (0.3 + math.sin(math.pi * at.hour / 23))
        for at in moments
    ]
    left, total = ACTIONS, sum(weights)
    for at, weight in zip(moments, weights, strict=True):
        some = round(left * weight / total)
        left, total = left - some, total - weight
        if some:
            yield at, some


def accept(world: World, at: dt.datetime, number: int, chance: random.Random) -> None:
    """So many actions, copied from one within the database: what they say does not matter here."""
    one = world.an_action(case=chance.choice(CASES), accepted_at=at, occurred_at=at)
    own = {"seq", "xact", "id", "supporter_name", "supporter_email", "words"}
    same = ", ".join(f'"{column.name}"' for column in actions.c if column.name not in own)
    copies = text(
        f"WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {number - 1})"
        f" INSERT INTO actions (id, words, {same})"
        f" SELECT lower(hex(randomblob(16))), zeroblob(200), {same}"
        f" FROM actions, n WHERE actions.id = '{one.hex}'"
    )
    if number > 1:
        with world.database.begin() as connection:
            connection.execute(copies)


def a_season(world: World) -> Season:
    office = a_recipient(time_zone="Europe/Minsk")
    cases = [a_case(slug=slug) for slug in CASES]
    texts = [a_template(case=slug) for slug in CASES]
    world.catalogue = a_catalogue(*cases, *texts, office)
    world.clock.at = OPENS
    event.listen(world.database.engine, "connect", _without_waiting_for_the_disk)
    world.database.engine.dispose()
    return Season(world, office, random.Random(2026))


def _without_waiting_for_the_disk(connection: Any, _record: object) -> None:
    connection.execute("PRAGMA synchronous=OFF")


def most_within(moments: Sequence[dt.datetime], window: dt.timedelta) -> int:
    ordered = sorted(moments)
    return max(bisect_left(ordered, at + window) - n for n, at in enumerate(ordered))


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_season_of_four_hundred_thousand_actions_breaks_no_limit_and_loses_none(
    small_world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    season, started = a_season(small_world), time.process_time()

    season.live()

    seconds = time.process_time() - started  # of this process: its neighbours do not count
    hours, pace = hours_of(season.office), season.office.pace.per_hour
    windows = {size: most_within(season.claimed, size) for size in (MINUTE, HOUR, 24 * HOUR)}
    for size, most in windows.items():
        assert most <= size / HOUR * pace + 1
    days = Counter(
        local_day(hours, at) for carrier, at in season.taken.values() if carrier == "digest"
    )
    assert max(days.values()) == 1
    assert all(hours.is_open(local_day(hours, at)) for at in season.claimed)
    on = whole(small_world)
    assert sum(on.values()) == ACTIONS  # the primary key lets none rest on two
    assert on.keys() == season.taken.keys()
    assert max(on.values()) <= MAX_IN_DIGEST
    with capsys.disabled():
        sys.stdout.write(f"\n{figures(season, on, windows, seconds)}\n")
    assert seconds < 240  # about 80 on two cores; a busy machine should not fail a merge


def whole(world: World) -> dict[UUID, int]:
    """How many actions rest on each carrier that was handed over."""
    with world.database.read() as connection:
        found = connection.execute(
            select(carriages.c.delivery_id, func.count())
            .join_from(carriages, deliveries, deliveries.c.id == carriages.c.delivery_id)
            .join(actions, actions.c.id == carriages.c.action_id)
            .where(deliveries.c.state == DeliveryState.HANDED_OVER)
            .group_by(carriages.c.delivery_id)
        )
        return {row[0]: row[1] for row in found}


def figures(
    season: Season, on: dict[UUID, int], windows: dict[dt.timedelta, int], seconds: float
) -> str:
    kinds = Counter(carrier for carrier, _ in season.taken.values())
    largest = max(on.values())
    last = max(at for _, at in season.taken.values())
    most = ", ".join(f"{number} in {size / MINUTE:.0f} min" for size, number in windows.items())
    return (
        f"season: {ACTIONS:,} actions on {kinds['single']:,} singles and {kinds['digest']} digests"
        f" (the largest {largest:,}); at most {most}; the last left {last:%d %B};"
        f" {season.rounds:,} rounds in {seconds:.0f} s of work"
    )
