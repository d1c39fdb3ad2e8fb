"""No window of any mailbox or domain ever holds more than its limit, whatever happens."""

import datetime as dt
import random
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, update

from services.dispatch.pacing.guard import DOMAIN_BURST, Admitted, Wanted, admit, burst
from services.dispatch.pacing.rows import domain_of
from services.dispatch.pacing.slots import closest, digest_slot
from shared.catalogue import Pace, Recipient
from shared.clock import new_id
from shared.database import Database
from shared.tables.pacing import mailbox_key, paces
from tests.dispatch.builders import World
from tests.dispatch.entries import a_recipient
from tests.dispatch.pacing.test_hours import hours, local

TEN = local("Europe/Minsk", 2026, 6, 1, 10).astimezone(dt.UTC)  # a Monday, in the best hour
BOX = "office@prosecutor.example"
SECOND = dt.timedelta(seconds=1)
WINDOWS_S = (1, 60, 3600, 86_400)
DOMAIN_PER_HOUR = 90


def paced(per_hour: int = 30, **changes: object) -> Recipient:
    return a_recipient(pace=Pace.model_validate({"per_hour": per_hour, **changes}))


def wanted(email: str = BOX, recipient: Recipient | None = None, **changes: bool) -> Wanted:
    return Wanted(delivery_id=new_id(), email=email, recipient=recipient or paced(), **changes)


def ask(world: World, *emails: Wanted, at: dt.datetime = TEN, domain_per_hour: int = 0) -> Admitted:
    with world.database.begin() as connection:
        return admit(connection, emails, lambda: at, domain_per_hour=domain_per_hour)


def change(world: World, key: str, **values: object) -> None:
    with world.database.begin() as connection:
        connection.execute(update(paces).where(paces.c.key == key).values(values))


def row(world: World, key: str) -> Any:
    with world.database.read() as connection:
        return connection.execute(select(paces).where(paces.c.key == key)).one()


def test_a_mailbox_that_nothing_left_for_takes_one_at_once_and_the_next_later(
    world: World,
) -> None:
    first, second = wanted(), wanted()

    admitted = ask(world, first, second)

    assert admitted.ids == {first.delivery_id}
    [again] = admitted.later.values()
    assert admitted.at + 120 * SECOND <= again <= admitted.at + 126 * SECOND


def test_who_is_refused_may_leave_at_the_moment_that_was_told(world: World) -> None:
    _, second = wanted(), wanted()
    again = ask(world, _, second).later[second.delivery_id]

    too_early = ask(world, second, at=again - SECOND)
    then = ask(world, second, at=again)

    assert not too_early.ids
    assert then.ids == {second.delivery_id}


def test_those_refused_together_come_back_one_by_one(small_world: World) -> None:
    asked = [wanted() for _ in range(5)]

    moments = list(ask(small_world, *asked).later.values())

    assert all(later - one >= closest(hours()) for one, later in pairwise(moments))


def test_the_same_mailbox_in_another_spelling_is_the_same(small_world: World) -> None:
    ask(small_world, wanted())

    again = ask(small_world, wanted(" Office@Prosecutor.EXAMPLE"))

    assert again.ids == set()


def test_another_mailbox_of_the_domain_is_free(small_world: World) -> None:
    ask(small_world, wanted())

    other = ask(small_world, wanted("press@prosecutor.example"))

    assert len(other.ids) == 1


def test_nothing_leaves_on_a_day_off(small_world: World) -> None:
    saturday = local("Europe/Minsk", 2026, 6, 6, 10)
    always = wanted("duty@prosecutor.example", paced(weekends=True))

    admitted = ask(small_world, wanted(), always, at=saturday)

    assert admitted.ids == {always.delivery_id}
    assert list(admitted.later.values()) == [local("Europe/Minsk", 2026, 6, 8)]


def test_the_distance_follows_the_hour(small_world: World) -> None:
    night = local("Europe/Minsk", 2026, 6, 1, 1)

    asked = ask(small_world, wanted(), wanted(), at=night)

    [again] = asked.later.values()
    assert again - night > dt.timedelta(hours=1.5)  # 0.6 an hour


def test_a_domain_takes_a_few_at_once_and_then_keeps_its_rate(world: World) -> None:
    many = [wanted(f"member{n}@parliament.example") for n in range(DOMAIN_BURST + 2)]

    admitted = ask(world, *many, domain_per_hour=1200)

    assert len(admitted.ids) == DOMAIN_BURST
    assert sorted(admitted.later.values()) == [TEN + 3 * SECOND, TEN + 6 * SECOND]
    assert burst(1200) == (DOMAIN_BURST - 1) * 3 * SECOND


def test_a_domain_without_a_limit_takes_all(small_world: World) -> None:
    many = [wanted(f"member{n}@parliament.example") for n in range(50)]

    assert len(ask(small_world, *many, domain_per_hour=0).ids) == 50


@pytest.mark.parametrize("which", ["@prosecutor.example", mailbox_key(BOX)])
def test_what_is_stopped_gets_nothing_until_its_time_is_over(which: str, world: World) -> None:
    ask(world, wanted("first@prosecutor.example"), wanted(), at=TEN - dt.timedelta(days=3))
    until = TEN + dt.timedelta(hours=4)
    change(world, which, stopped_at=TEN, stopped_until=until)

    [again] = ask(world, wanted()).later.values()
    change(world, which, stopped_until=None)
    [endless] = ask(world, wanted()).later.values()
    change(world, which, stopped_at=None)

    assert again == until
    assert endless == TEN + dt.timedelta(hours=1)
    assert len(ask(world, wanted()).ids) == 1


def test_a_mailbox_gets_one_digest_a_day(world: World) -> None:
    first, second = (wanted(is_digest=True) for _ in range(2))
    ask(world, first)
    hour = dt.timedelta(hours=1)

    same_day = ask(world, second, at=TEN + hour)
    single = ask(world, wanted(), at=TEN + hour)
    again = ask(world, second, at=same_day.later[second.delivery_id])

    assert same_day.later == {
        second.delivery_id: digest_slot(
            hours(), 16, TEN, {local("Europe/Minsk", 2026, 6, 1).date()}
        )
    }
    assert len(single.ids) == 1
    assert again.ids == {second.delivery_id}


def test_a_digest_that_was_not_taken_may_be_tried_again_the_same_day(small_world: World) -> None:
    ask(small_world, wanted(is_digest=True))

    again = ask(small_world, wanted(is_digest=True, is_repeat=True), at=TEN + dt.timedelta(hours=1))

    assert len(again.ids) == 1


def test_a_clock_that_was_far_ahead_does_not_stop_a_mailbox_for_long(world: World) -> None:
    ask(world, wanted(), at=TEN + dt.timedelta(days=3650), domain_per_hour=60)

    [again] = ask(world, wanted(), domain_per_hour=60).later.values()
    then = ask(world, wanted(), at=again, domain_per_hour=60)

    assert again <= TEN + 126 * SECOND
    assert len(then.ids) == 1


def test_the_clock_is_read_once_the_rows_are_held(postgres_world: World) -> None:
    world = postgres_world
    ask(world, wanted(), at=TEN - dt.timedelta(days=1))
    waits, clock_read = threading.Event(), threading.Event()

    def late() -> dt.datetime:
        clock_read.set()
        return TEN

    def second() -> Admitted:
        with world.database.begin() as connection:
            waits.set()
            return admit(connection, [wanted()], late, domain_per_hour=0)

    with ThreadPoolExecutor(1) as threads, world.database.begin() as connection:
        admit(connection, [wanted()], lambda: TEN, domain_per_hour=0)
        answer = threads.submit(second)
        waits.wait(5)
        assert not clock_read.wait(0.3)
        connection.commit()
        assert answer.result(5).ids == set()


def test_an_answer_that_was_not_committed_counts_for_nothing(world: World) -> None:
    def crashes() -> None:
        with world.database.begin() as connection:
            admit(connection, [wanted()], lambda: TEN, domain_per_hour=0)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        crashes()

    assert len(ask(world, wanted()).ids) == 1


@dataclass
class Fleet:
    """Workers on one database whose clock only they move; what was admitted is in the log."""

    database: Database
    name: str
    chance: random.Random
    jumps_s: list[int]
    paces: list[int]  # one after the other
    at: dt.datetime = TEN
    log: list[tuple[str, int, dt.datetime]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def work(self, rounds: int) -> None:
        for _ in range(rounds):
            with self._lock:
                chance = random.Random(self.chance.random())
                self.at += dt.timedelta(seconds=chance.choice(self.jumps_s), microseconds=7)
                if len(self.paces) > 1 and chance.random() < 0.1:
                    self.paces.pop(0)
            self._round(chance)

    def _round(self, chance: random.Random) -> None:
        pace = self.paces[0]
        boxes = [f"{chance.choice('ab')}@{chance.choice('xy')}.{self.name}.example"]
        boxes += chance.choices(boxes + [f"c@x.{self.name}.example"], k=chance.randrange(3))
        office = paced(pace, weekends=chance.random() < 0.5)
        emails = [wanted(box, office) for box in boxes]
        try:
            with self.database.begin() as connection:
                admitted = admit(connection, emails, self._now, domain_per_hour=DOMAIN_PER_HOUR)
                if chance.random() < 0.1:
                    raise InterruptedError  # killed before the commit: nothing left
        except InterruptedError:
            return
        with self._lock:  # from here on it counts, whatever becomes of the call
            self.log += [
                (one.email, pace, admitted.at) for one in emails if one.delivery_id in admitted.ids
            ]

    def _now(self) -> dt.datetime:
        with self._lock:
            return self.at


def too_many(
    log: list[tuple[str, int, dt.datetime]],
    name: Callable[[str], str],
    limit: Callable[[int, int], int],
) -> Iterator[str]:
    """Windows that hold more than their limit, by brute force."""
    by_name: dict[str, list[tuple[dt.datetime, int]]] = defaultdict(list)
    for email, pace, at in log:
        by_name[name(email)].append((at, pace))
    for one, times in by_name.items():
        times.sort()
        for since, _ in times:
            for window in WINDOWS_S:
                until = since + dt.timedelta(seconds=window)
                inside = [pace for at, pace in times if since <= at < until]
                if len(inside) > limit(window, max(inside)):
                    yield f"{one}: {len(inside)} within {window} s from {since}"


def breaches(log: list[tuple[str, int, dt.datetime]]) -> list[str]:
    return [
        *too_many(log, str, lambda window, pace: window * pace // 3600 + 1),
        *too_many(
            log, domain_of, lambda window, _: window * DOMAIN_PER_HOUR // 3600 + DOMAIN_BURST
        ),
    ]


SCENES = given(
    seed=st.integers(0, 2**32),
    jumps_s=st.lists(st.sampled_from([0, 0, 1, 7, 31, 121, 1800, 90_000]), min_size=1, max_size=6),
    changes=st.lists(st.integers(1, 1200), min_size=1, max_size=3).map(
        lambda some: sorted(some, reverse=True)
    ),
)


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@SCENES
def test_no_window_ever_exceeds_its_limit_with_many_workers(
    seed: int, jumps_s: list[int], changes: list[int], postgres_world: World
) -> None:
    fleet = Fleet(postgres_world.database, new_id().hex, random.Random(seed), jumps_s, changes)

    with ThreadPoolExecutor(5) as threads:
        for done in [threads.submit(fleet.work, 12) for _ in range(5)]:
            done.result()

    assert fleet.log  # somebody may always leave
    assert breaches(fleet.log) == []


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@SCENES
def test_no_window_ever_exceeds_its_limit_on_sqlite(
    seed: int, jumps_s: list[int], changes: list[int], small_world: World
) -> None:
    fleet = Fleet(small_world.database, new_id().hex, random.Random(seed), jumps_s, changes)

    fleet.work(40)

    assert fleet.log
    assert breaches(fleet.log) == []


def test_the_brute_force_finds_what_is_too_much() -> None:
    email = "a@x.example"
    close = [(email, 30, TEN + n * 115 * SECOND) for n in range(40)]
    kept = [(email, 30, TEN + n * 120 * SECOND) for n in range(40)]

    assert breaches(close) != []
    assert breaches(kept) == []
