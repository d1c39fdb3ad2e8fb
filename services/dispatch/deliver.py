"""Hands deliveries over: prepare, claim, call, record.  The send protocol of design section 4.

In: ids from a wake-up.  Out: one call to a provider for each delivery that is still due, and how it
ended.  A delivery is claimed, and its attempt committed, before the call; a result that does not
come back is `unknown`, never "not sent".
"""

import datetime as dt
import itertools
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

import structlog
from sqlalchemy.exc import InterfaceError, InternalError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from services.dispatch import claims
from services.dispatch.claims import Ended
from services.dispatch.documents import Documents
from services.dispatch.due import Due, Moot, NotNow, Prepared
from services.dispatch.erased import stop_erased
from services.dispatch.notices import call_off, with_notices
from services.dispatch.prepare import Preparer
from services.dispatch.providers.contract import (
    Email,
    EmailProvider,
    LaneHeld,
    Letter,
    LetterProvider,
    NotSent,
    ProviderError,
    Refused,
    Taken,
)
from shared.clock import Clock
from shared.database import Database
from shared.privacy import Unreadable
from shared.tables.dispatch import AttemptState, DeliveryState

FIRST_WAIT_S = 30.0
LONGEST_WAIT_S = 6 * 3600.0
MAX_ATTEMPTS = 12  # about two days; then a person looks
ASK_AFTER_S = 5.0  # before an unclear order is asked for again

# InternalError: a server that has become read-only in a failover.
_AWAY = (OperationalError, InterfaceError, InternalError, PoolTimeout)

log = structlog.get_logger()

Provider = EmailProvider | LetterProvider
Route = Callable[[Due], Provider]


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What a worker needs to hand over: chosen once, in worker.py."""

    database: Database
    preparer: Preparer
    documents: Documents
    route: Route
    clock: Clock
    chunk: int  # deliveries claimed at once
    claim_ttl_s: float


def deliver(ids: Sequence[UUID], desk: Desk) -> None:
    """Hands over those of the deliveries that are still due."""
    for some in _chunks(ids, desk.chunk):
        ready = _prepare(some, desk)
        claimed_at = time.monotonic()
        ended: list[Ended] = []
        try:
            for one in _hand_over(_claim(ready, desk), desk, claimed_at):
                ended.append(one)
        finally:  # whatever broke here, what is known already is not forgotten
            _record(ended, desk)


def _prepare(ids: Sequence[UUID], desk: Desk) -> list[tuple[Prepared, Provider]]:
    ready: list[tuple[Prepared, Provider]] = []
    waiting = _read(ids, desk)
    if missing := set(ids).difference(due.id for due in waiting):
        with desk.database.begin() as connection:
            stop_erased(connection, list(missing))
    for due in waiting:
        try:
            prepared = desk.preparer.prepare(due, desk.clock())
        except NotNow as fault:
            _put_aside(due, fault, desk)
            continue
        ready.append((prepared, desk.route(due)))
    return ready


def _read(ids: Sequence[UUID], desk: Desk) -> list[Due]:
    """Those still due.  One whose words do not open stays due, and stops no other."""
    try:
        with desk.database.read() as connection:
            return with_notices(connection, claims.read_due(connection, ids))
    except Unreadable as error:
        if len(ids) == 1:
            log.error("unreadable", delivery_id=str(ids[0]), error=str(error))
            return []
        return [due for one in ids for due in _read([one], desk)]


def _put_aside(due: Due, fault: NotNow, desk: Desk) -> None:
    moot = isinstance(fault, Moot)
    put = call_off if moot else claims.hold
    with desk.database.begin() as connection:
        put(connection, due.id, str(fault))
    event = "called_off" if moot else "held"
    log.info(event, delivery_id=str(due.id), reason=str(fault))


def _claim(ready: list[tuple[Prepared, Provider]], desk: Desk) -> list[tuple[Prepared, Provider]]:
    if not ready:
        return []
    with desk.database.begin() as connection:
        named = [(prepared, provider.name) for prepared, provider in ready]
        ours = claims.claim(connection, named, desk.clock())
    return [(prepared, provider) for prepared, provider in ready if prepared.due.id in ours]


def _hand_over(
    ours: list[tuple[Prepared, Provider]], desk: Desk, claimed_at: float
) -> Iterator[Ended]:
    """Calls once for each, as long as the claim is fresh and the lane is open."""
    closed: dict[str, NotSent] = {}
    for prepared, provider in ours:
        fault = closed.get(provider.name)
        if time.monotonic() - claimed_at > desk.claim_ttl_s / 2:
            # An older claim may already have been declared left behind: calling now could double.
            fault = fault or NotSent("its claim grew too old before the call")
        if fault:
            yield _not_sent(prepared, provider.name, fault, desk.clock())
            continue
        ended, lane = _attempt(prepared, provider, desk)
        if lane:
            closed[provider.name] = lane
        yield ended


def _attempt(prepared: Prepared, provider: Provider, desk: Desk) -> tuple[Ended, LaneHeld | None]:
    """How it ended, and what holds all others of its lane."""
    started = time.monotonic()
    lane: LaneHeld | None = None
    try:
        _keep(prepared, desk)
        taken = _call(prepared, provider)
        ended = _sent(prepared, provider.name, taken, desk.clock())
    except NotSent as error:
        lane = error if isinstance(error, LaneHeld) else None
        ended = _not_sent(prepared, provider.name, error, desk.clock())
    except Refused as error:
        ended = _refused(prepared, provider.name, error, desk.clock())
    except Exception as error:
        # Whatever broke, the call may have been taken.
        detail = error.detail if isinstance(error, ProviderError) else type(error).__name__
        ended = _unknown(prepared, provider.name, detail, desk.clock())
    log.info(
        "attempted",
        delivery_id=str(prepared.due.id),
        attempt=prepared.due.attempts + 1,
        provider=provider.name,
        ended=ended.attempt.value,
        detail=ended.detail,
        seconds=round(time.monotonic() - started, 4),
    )
    return ended, lane


def _keep(prepared: Prepared, desk: Desk) -> None:
    """Only who holds the claim writes: what lies there is what was sent."""
    try:
        desk.documents.keep(prepared.document, prepared.content)
    except OSError as error:
        raise NotSent(f"its document could not be kept: {type(error).__name__}") from error


def _call(prepared: Prepared, provider: Provider) -> Taken:
    match prepared.handover:
        case Email() as email:
            return provider.send(email)  # type: ignore[union-attr]  # routed by channel
        case Letter() as letter:
            return _order(letter, provider, unclear_before=prepared.due.unclear_before)  # type: ignore[arg-type]


def _order(letter: Letter, vendor: LetterProvider, *, unclear_before: bool) -> Taken:
    """Asks first where an earlier order may have been taken: a key lives only so long."""
    if unclear_before and (found := vendor.find(letter.delivery_id)):
        return found
    return vendor.order(letter)


def _sent(prepared: Prepared, provider: str, taken: Taken, now: dt.datetime) -> Ended:
    letter = prepared.handover
    pages = letter.pages if isinstance(letter, Letter) else None
    ended = _ended(prepared, provider, AttemptState.SENT, DeliveryState.HANDED_OVER, again_at=now)
    return replace(ended, taken=taken, pages=pages)


def _not_sent(prepared: Prepared, provider: str, fault: NotSent, now: dt.datetime) -> Ended:
    wait = dt.timedelta(seconds=max(fault.after_s, backoff_s(prepared.due.attempts + 1)))
    delivery = _unless_unclear(prepared, DeliveryState.DUE)
    return _ended(
        prepared,
        provider,
        AttemptState.NOT_SENT,
        delivery,
        again_at=now + wait,
        detail=fault.detail,
    )


def _refused(prepared: Prepared, provider: str, fault: Refused, now: dt.datetime) -> Ended:
    wait = dt.timedelta(seconds=backoff_s(prepared.due.attempts + 1))
    delivery = _unless_unclear(prepared, DeliveryState.REFUSED)
    return _ended(
        prepared,
        provider,
        AttemptState.REFUSED,
        delivery,
        again_at=now + wait,
        detail=fault.detail,
    )


def _unknown(prepared: Prepared, provider: str, detail: str, now: dt.datetime) -> Ended:
    earlier = prepared.due.attempts
    wait = dt.timedelta(seconds=backoff_s(earlier) if earlier else ASK_AFTER_S)
    return _ended(
        prepared,
        provider,
        AttemptState.UNKNOWN,
        DeliveryState.UNKNOWN,
        again_at=now + wait,
        detail=detail,
    )


def _unless_unclear(prepared: Prepared, state: DeliveryState) -> DeliveryState:
    """An earlier attempt may still have been taken: this one proves nothing about that."""
    return DeliveryState.UNKNOWN if prepared.due.unclear_before else state


def _ended(
    prepared: Prepared,
    provider: str,
    attempt: AttemptState,
    delivery: DeliveryState,
    *,
    again_at: dt.datetime,
    detail: str | None = None,
) -> Ended:
    number = prepared.due.attempts + 1
    worn = number >= MAX_ATTEMPTS and delivery in {DeliveryState.DUE, DeliveryState.UNKNOWN}
    return Ended(
        delivery_id=prepared.due.id,
        attempt_id=prepared.attempt_id,
        number=number,
        attempt=attempt,
        delivery=delivery,
        provider=provider,
        detail=detail,
        next_attempt_at=again_at,
        held_reason=f"{number} attempts failed; the last: {detail}" if worn else None,
    )


def _record(ended: list[Ended], desk: Desk) -> None:
    """Writes the results; while the database is away this worker takes nothing more."""
    if not ended:
        return
    for wait_s in itertools.chain([0.1, 0.5, 1.0], itertools.repeat(2.0)):
        try:
            with desk.database.begin() as connection:
                claims.record(connection, ended, desk.clock())
        except _AWAY as error:
            log.warning("results_not_recorded", deliveries=len(ended), error=type(error).__name__)
            time.sleep(wait_s)
        else:
            return


def backoff_s(attempt: int) -> float:
    """Seconds to wait after attempt `attempt` (1 = the first): doubling from 30 s to 6 h, ±20 %."""
    wait = min(FIRST_WAIT_S * 2.0 ** (attempt - 1), LONGEST_WAIT_S)
    spread: float = random.uniform(0.8, 1.2)  # noqa: S311  (spreads load, guards nothing)
    return wait * spread


def _chunks(ids: Sequence[UUID], size: int) -> Iterator[Sequence[UUID]]:
    return (ids[at : at + size] for at in range(0, len(ids), size))
