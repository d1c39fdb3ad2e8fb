"""Keeps to what a provider's account allows: its rate, its quota, and its bad days.

Owns the table `lanes`, one row a provider, which all workers share.  A worker books places for a
whole chunk before it claims it, and waits until its turn: what is booked is never more than the
account's rate, however many workers there are.  A "too fast" makes the rate smaller at once; quiet
minutes make it larger again, up to what the account allows.
Source: SES refuses what is too fast and queues nothing; GetAccount tells MaxSendRate and
Max24HourSend, and may be called once a second (SES developer guide, "Service quotas").
"""

import datetime as dt
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, Row, select, update

from services.dispatch.providers.contract import Account
from shared.database import insert_new
from shared.tables.pacing import lanes

ASK_EVERY = dt.timedelta(seconds=60)
LONGEST_TURN = dt.timedelta(seconds=5)  # a worker waits so long for its turn; else the row does
BURST = dt.timedelta(seconds=1)  # a lane that rested gives so much of its rate at once
SLOWER = 0.7  # of the rate, after a "too fast"
SLOWEST = 0.5  # calls a second, at least
FASTER = 0.1  # of the account's rate is won back, each time that the account is asked
QUIET = dt.timedelta(seconds=60)  # without a "too fast", before it becomes faster
_ONE_THROTTLE = dt.timedelta(seconds=1)  # many workers hear the same "too fast"
_USED_UP = "the account's rate is used up"
# What the account says of itself holds until it says otherwise; other holds end by their time.
_DISABLED = "the account may not send"
_NO_QUOTA = "the account's quota of 24 hours is used up"


@dataclass(frozen=True, slots=True)
class Turn:
    """When a chunk may be handed over."""

    at: dt.datetime  # of the first call
    every: dt.timedelta = dt.timedelta()  # from one call to the next
    why_later: str | None = None  # set: not now; its deliveries are due again at `at`
    ask: bool = False  # the account should be asked first, by whoever got this and nobody else

    def place(self, number: int) -> dt.datetime:
        """When call `number` (0 = the first) may be made."""
        return self.at + number * self.every


def book(
    connection: Connection, provider: str, number: int, now: dt.datetime, *, metered: bool
) -> Turn:
    """Books `number` calls; none where the turn would come too late to wait for it.

    `metered`: the provider can be asked what its account allows.
    """
    lane = _lock(connection, provider)
    if lane is None:
        if metered:
            insert_new(connection, lanes, [{"provider": provider, "asked_at": now}])
        return Turn(now, ask=metered)
    ask = metered and (lane.asked_at is None or now - lane.asked_at >= ASK_EVERY)
    turn, used_until = _turn(lane, number, now)
    if ask or used_until != lane.free_at:
        asked_at = now if ask else lane.asked_at
        _change(connection, provider, free_at=used_until, asked_at=asked_at)
    return replace(turn, ask=ask)


def is_held(connection: Connection, provider: str, now: dt.datetime) -> bool:
    """Whether nothing at all leaves by this provider now."""
    wanted = select(lanes.c.held_until).where(lanes.c.provider == provider)
    until = connection.scalar(wanted)
    return until is not None and until > now


def hold(connection: Connection, provider: str, until: dt.datetime, why: str) -> None:
    """The account cannot send: no worker tries before `until`."""
    insert_new(connection, lanes, [{"provider": provider}])
    _change(connection, provider, held_until=until, held_why=why)


def slow_down(connection: Connection, provider: str, now: dt.datetime) -> None:
    """The provider said that we were too fast."""
    lane = _lock(connection, provider)
    if lane is None or lane.rate_per_s is None:
        return
    if lane.throttled_at is not None and now - lane.throttled_at < _ONE_THROTTLE:
        return
    slower = max(SLOWEST, lane.rate_per_s * SLOWER)
    _change(connection, provider, rate_per_s=slower, throttled_at=now)


def learn(connection: Connection, provider: str, account: Account, now: dt.datetime) -> None:
    """What the account said of itself."""
    lane = _lock(connection, provider)
    if lane is None:
        return
    _change(
        connection,
        provider,
        quota_per_s=account.max_rate_per_s,
        quota_24h=account.max_24h,
        sent_24h=account.sent_24h,
        rate_per_s=_rate(lane, max(account.max_rate_per_s, SLOWEST), now),
        **_hold_by_account(account, lane, now),
    )


def _turn(lane: Row[Any], number: int, now: dt.datetime) -> tuple[Turn, dt.datetime | None]:
    """The turn, and until when the lane is used up after it."""
    if lane.held_until is not None and lane.held_until > now:
        return Turn(lane.held_until, why_later=lane.held_why), lane.free_at
    if lane.rate_per_s is None:
        return Turn(now), lane.free_at
    free_at = max(lane.free_at or now - BURST, now - BURST)
    if free_at - now > LONGEST_TURN:
        return Turn(free_at, why_later=_USED_UP), lane.free_at
    every = dt.timedelta(seconds=1 / lane.rate_per_s)
    return Turn(free_at, every), free_at + number * every


def _rate(lane: Row[Any], quota: float, now: dt.datetime) -> float:
    if lane.rate_per_s is None:
        return quota
    rate: float = lane.rate_per_s
    if lane.throttled_at is None or now - lane.throttled_at >= QUIET:
        rate += FASTER * quota
    return min(rate, quota)


def _hold_by_account(account: Account, lane: Row[Any], now: dt.datetime) -> dict[str, Any]:
    why = None
    if not account.sending_enabled or not account.max_rate_per_s:
        why = _DISABLED
    elif account.max_24h is not None and account.sent_24h >= account.max_24h:
        why = _NO_QUOTA
    if why:
        return {"held_until": now + 2 * ASK_EVERY, "held_why": why}
    if lane.held_why in {_DISABLED, _NO_QUOTA}:
        return {"held_until": None, "held_why": None}
    return {}


def _lock(connection: Connection, provider: str) -> Row[Any] | None:
    wanted = select(lanes).where(lanes.c.provider == provider).with_for_update()
    return connection.execute(wanted).one_or_none()


def _change(connection: Connection, provider: str, **values: Any) -> None:
    connection.execute(update(lanes).where(lanes.c.provider == provider).values(**values))
