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
from sqlalchemy.exc import InterfaceError, OperationalError

from services.dispatch import claims
from services.dispatch.claims import Ended
from services.dispatch.documents import Documents
from services.dispatch.prepare import Due, Hold, Prepared, Preparer
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
from shared.tables.dispatch import AttemptState, DeliveryState

FIRST_WAIT_S = 30.0
LONGEST_WAIT_S = 6 * 3600.0
MAX_ATTEMPTS = 12  # about two days; then a person looks
ASK_AFTER_S = 5.0  # before an unclear order is asked for again

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
        ours = _claim(ready, desk)
        if ours:
            _record(list(_hand_over(ours, desk, claimed_at)), desk)


def _prepare(ids: Sequence[UUID], desk: Desk) -> list[tuple[Prepared, Provider]]:
    with desk.database.read() as connection:
        due = claims.read_due(connection, ids)
    ready: list[tuple[Prepared, Provider]] = []
    for one in due:
        try:
            prepared = desk.preparer.prepare(one, desk.clock())
        except Hold as fault:
            _hold(one, fault, desk)
            continue
        desk.documents.keep(prepared.document, prepared.content)
        ready.append((prepared, desk.route(one)))
    return ready


def _hold(due: Due, fault: Hold, desk: Desk) -> None:
    with desk.database.begin() as connection:
        claims.hold(connection, due.id, str(fault))
    log.info("held", delivery_id=str(due.id), reason=str(fault))


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
    closed: NotSent | None = None
    for prepared, provider in ours:
        if time.monotonic() - claimed_at > desk.claim_ttl_s / 2:
            # An older claim may already have been declared left behind: calling now could double.
            closed = closed or NotSent("its claim grew too old before the call")
        if closed:
            yield _not_sent(prepared, provider.name, closed, desk.clock())
            continue
        ended, fault = _attempt(prepared, provider, desk.clock)
        closed = fault if isinstance(fault, LaneHeld) else None
        yield ended


def _attempt(
    prepared: Prepared, provider: Provider, clock: Clock
) -> tuple[Ended, ProviderError | None]:
    started = time.monotonic()
    fault: ProviderError | None = None
    try:
        taken = _call(prepared, provider)
        ended = _sent(prepared, provider.name, taken, clock())
    except NotSent as error:
        fault, ended = error, _not_sent(prepared, provider.name, error, clock())
    except Refused as error:
        fault, ended = error, _refused(prepared, provider.name, error, clock())
    except Exception as error:
        # Whatever broke, the call may have been taken.
        detail = error.detail if isinstance(error, ProviderError) else type(error).__name__
        ended = _unknown(prepared, provider.name, detail, clock())
    log.info(
        "attempted",
        delivery_id=str(prepared.due.id),
        attempt=prepared.due.attempts + 1,
        provider=provider.name,
        ended=ended.attempt.value,
        detail=ended.detail,
        seconds=round(time.monotonic() - started, 4),
    )
    return ended, fault


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
    ended = _ended(prepared, provider, AttemptState.SENT, DeliveryState.HANDED_OVER, now)
    return replace(ended, taken=taken, pages=pages)


def _not_sent(prepared: Prepared, provider: str, fault: NotSent, now: dt.datetime) -> Ended:
    number = prepared.due.attempts + 1
    wait = dt.timedelta(seconds=max(fault.after_s, backoff_s(number)))
    # An earlier attempt may still have been taken: this one proves nothing about that.
    delivery = DeliveryState.UNKNOWN if prepared.due.unclear_before else DeliveryState.DUE
    ended = _ended(prepared, provider, AttemptState.NOT_SENT, delivery, now + wait)
    worn = f"{number} attempts failed; the last: {fault.detail}" if number >= MAX_ATTEMPTS else None
    return replace(ended, detail=fault.detail, held_reason=worn)


def _refused(prepared: Prepared, provider: str, fault: Refused, now: dt.datetime) -> Ended:
    ended = _ended(prepared, provider, AttemptState.REFUSED, DeliveryState.REFUSED, now)
    return replace(ended, detail=fault.detail)


def _unknown(prepared: Prepared, provider: str, detail: str, now: dt.datetime) -> Ended:
    soon = now + dt.timedelta(seconds=ASK_AFTER_S)
    ended = _ended(prepared, provider, AttemptState.UNKNOWN, DeliveryState.UNKNOWN, soon)
    return replace(ended, detail=detail)


def _ended(
    prepared: Prepared,
    provider: str,
    attempt: AttemptState,
    delivery: DeliveryState,
    next_attempt_at: dt.datetime,
) -> Ended:
    return Ended(
        delivery_id=prepared.due.id,
        attempt_id=prepared.attempt_id,
        number=prepared.due.attempts + 1,
        attempt=attempt,
        delivery=delivery,
        provider=provider,
        next_attempt_at=next_attempt_at,
    )


def _record(ended: list[Ended], desk: Desk) -> None:
    """Writes the results; while the database is away this worker takes nothing more."""
    for wait_s in itertools.chain([0.1, 0.5, 1.0], itertools.repeat(2.0)):
        try:
            with desk.database.begin() as connection:
                claims.record(connection, ended, desk.clock())
        except (OperationalError, InterfaceError) as error:
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
