"""A storm's plan: bounded, reproducible, and sparing nothing."""

from collections import Counter
from itertools import pairwise

from tests.faults.plan import EVERY_S, Kind, plan

DISPATCHERS = ("dispatch-1", "dispatch-2")


def test_the_same_seed_plans_the_same_storm() -> None:
    first = plan(7, 300, dispatchers=DISPATCHERS)

    assert plan(7, 300, dispatchers=DISPATCHERS) == first
    assert plan(8, 300, dispatchers=DISPATCHERS) != first


def test_five_minutes_hold_twenty_faults_and_more_one_after_another() -> None:
    faults = plan(1, 300, dispatchers=DISPATCHERS)

    assert len(faults) >= 20
    assert all(0 < fault.at_s < 300 for fault in faults)
    assert all(EVERY_S[0] <= later.at_s - one.at_s <= EVERY_S[1] for one, later in pairwise(faults))


def test_everything_is_hurt_once_before_anything_is_hurt_twice() -> None:
    faults = plan(3, 200, dispatchers=DISPATCHERS)[:17]

    assert {fault.kind for fault in faults} == set(Kind)
    assert max(Counter(map(str, faults)).values()) == 1
