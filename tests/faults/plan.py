"""What goes wrong in a storm, and when: drawn from a seed, so that a storm can be had again.

Out: `Fault`s in the order of their time.  Every kind comes once before any comes twice.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

EVERY_S = (7.0, 12.0)  # from one fault to the next: at least, at most


class Kind(StrEnum):
    """The ways in which the world hurts Writ."""

    KILL = "kill -9"  # a service's processes are gone; its supervisor starts it again
    KILL_RABBIT = "kill -9 RabbitMQ"
    KILL_POSTGRES = "kill -9 PostgreSQL"
    STOP_RABBIT = "RabbitMQ stopped"
    FREEZE = "frozen"  # a dispatch process stands still in mid-call, and goes on later
    CUT = "connections cut"  # PostgreSQL ends every connection
    SES = "SES"  # a fault of the sandbox's SES, for a share of the calls
    PRINT = "print vendor"  # the same for the print vendor
    RECEIPTS = "receipts"  # doubled, shuffled or late


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault; `at_s` counts from the storm's beginning, `lasts_s` until it is mended."""

    at_s: float
    kind: Kind
    what: str  # the service, or the fault's name at the sandbox
    lasts_s: float
    sandbox: dict[str, Any] = field(default_factory=dict)  # for PUT /sandbox/faults

    def __str__(self) -> str:
        return f"{self.kind}: {self.what}" if self.what else str(self.kind)


def plan(seed: int, seconds: float, *, dispatchers: Sequence[str]) -> list[Fault]:
    """The faults of a storm of that length."""
    chance = random.Random(seed)
    storm, at = _endless(chance, dispatchers), chance.uniform(*EVERY_S)
    faults = []
    while at < seconds:
        kind, what, lasts, sandbox = next(storm)
        faults.append(Fault(at, kind, what, lasts, sandbox))
        at += chance.uniform(*EVERY_S)
    return faults


def plan_for_careless_clients(seconds: float) -> list[Fault]:
    """What a client that repeats by itself cannot survive: taken, and nobody was told."""
    kinds = ("reset_after", "stall_after")
    return [
        Fault(at_s=5.0 + 10 * turn, kind=Kind.SES, what=what, lasts_s=8.0, sandbox=_ses(what))
        for turn in range(int((seconds - 5) / 10))
        for what in [kinds[turn % len(kinds)]]
    ]


_Drawn = tuple[Kind, str, float, dict[str, Any]]
_SES = (
    "throttle",
    "500",
    "503",
    "stall",
    "stall_after",
    "reset_before",
    "reset_after",
    "500_after",
    "garbage_after",
)
_PRINT = (
    "throttle",
    "500",
    "503",
    "stall",
    "stall_after",
    "reset_before",
    "reset_after",
    "500_after",
)
_RECEIPTS: dict[str, dict[str, Any]] = {
    "doubled": {"duplicate": 0.5},
    "shuffled": {"shuffle": True},
    "late": {"delay_s": 5},
}


def _endless(chance: random.Random, dispatchers: Sequence[str]) -> Iterator[_Drawn]:
    while True:
        deck = list(_deck(chance, dispatchers))
        chance.shuffle(deck)
        yield from deck


def _deck(chance: random.Random, dispatchers: Sequence[str]) -> Iterator[_Drawn]:
    """One of each: after a full deck, everything has been hurt once."""
    for service in ("relay", "intake", "tracking", "tracking-worker", "sandbox"):
        yield Kind.KILL, service, chance.uniform(0.5, 3), {}
    yield Kind.KILL, chance.choice(dispatchers), chance.uniform(0.5, 3), {}
    yield Kind.KILL_RABBIT, "", chance.uniform(0.5, 3), {}
    yield Kind.KILL_POSTGRES, "", chance.uniform(0.5, 3), {}
    yield Kind.STOP_RABBIT, "", 5.0, {}
    # Longer than a claim's life (STORMY), shorter than what tracking waits for a Send event.
    yield Kind.FREEZE, chance.choice(dispatchers), chance.uniform(3, 14), {}
    yield Kind.CUT, "", 0.0, {}
    for name in chance.sample(_SES, 3):
        yield Kind.SES, name, chance.uniform(4, 7), _ses(name)
    for name in chance.sample(_PRINT, 2):
        yield Kind.PRINT, name, chance.uniform(4, 7), {"print": [_wire(name)]}
    name = chance.choice(list(_RECEIPTS))
    yield Kind.RECEIPTS, name, chance.uniform(4, 7), {"receipts": _RECEIPTS[name]}


def _ses(name: str) -> dict[str, Any]:
    return {"ses": [_wire(name)]}


def _wire(name: str) -> dict[str, Any]:
    return {"kind": name, "share": 0.4, "seconds": 8.0}
