"""Calls a provider, once for each delivery that is claimed, and tells how each call ended.

In: deliveries that are ours, each with its attempt committed.  Out: an `Ended` for each.  Nothing
here repeats a call, and a call whose end nobody saw is `unknown`, never "not sent".
"""

import datetime as dt
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeGuard

import structlog

from services.dispatch.claims import Ended
from services.dispatch.documents import Documents
from services.dispatch.due import Prepared
from services.dispatch.lanes import Turn
from services.dispatch.providers.contract import (
    BulkEmailProvider,
    Email,
    EmailProvider,
    LaneHeld,
    LaneReason,
    Letter,
    LetterProvider,
    NotSent,
    ProviderError,
    Refused,
    Taken,
    TryLater,
)
from shared.clock import Clock
from shared.tables.dispatch import AttemptState, DeliveryState

FIRST_WAIT_S = 30.0
LONGEST_WAIT_S = 6 * 3600.0
MAX_ATTEMPTS = 12  # about two days; then a person looks
ASK_AFTER_S = 5.0  # before an unclear order is asked for again
THROTTLED_WAIT_S = 5.0  # the lane has become slower meanwhile

log = structlog.get_logger()

Provider = EmailProvider | LetterProvider
Called = Taken | Exception  # how a call ended
_Batch = Sequence[Prepared]


@dataclass(frozen=True, slots=True, kw_only=True)
class Counter:
    """Where deliveries leave by one provider."""

    provider: Provider
    documents: Documents
    clock: Clock


def hand_over(
    ours: Sequence[Prepared], counter: Counter, turn: Turn, is_fresh: Callable[[], bool]
) -> Iterator[Ended]:
    """Calls as long as the claim is fresh and the provider does not wave everybody away."""
    closed: NotSent | None = None
    number = 0
    for batch in batches(ours, counter.provider):
        if not closed:
            wait_until(turn.place(number), counter.clock)
            number += len(batch)
        if not is_fresh():
            # An older claim may already have been declared left behind: calling now could double.
            closed = closed or NotSent("its claim grew too old before the call")
        for ended in _not_called(batch, closed, counter) if closed else _attempt(batch, counter):
            closed = closed or _of_the_lane(ended.fault)
            yield ended


def wait_until(moment: dt.datetime, clock: Clock) -> None:
    wait_s = (moment - clock()).total_seconds()
    if wait_s > 0:
        time.sleep(wait_s)


def batches(ours: Sequence[Prepared], provider: Provider) -> list[_Batch]:
    """What leaves in one call: emails of one sender identity together, where the provider can."""
    if not isinstance(provider, BulkEmailProvider):
        return [(one,) for one in ours]
    alike: dict[object, list[Prepared]] = {}
    for one in ours:
        alike.setdefault(_sender_of(one, provider) or one.due.id, []).append(one)
    most = provider.most
    return [group[at : at + most] for group in alike.values() for at in range(0, len(group), most)]


def _sender_of(prepared: Prepared, provider: BulkEmailProvider) -> object:
    """What one call has one of; None where an email must leave alone.

    A repeat leaves alone: one that SES does not like may have spoiled the call of all the others.
    """
    email = prepared.handover
    if not isinstance(email, Email) or prepared.due.attempts or not provider.fits(email):
        return None
    return email.from_, email.reply_to, email.follow_reading


def _not_called(batch: _Batch, fault: NotSent, counter: Counter) -> Iterator[Ended]:
    for prepared in batch:
        yield _ended(prepared, fault, counter)


def _attempt(batch: _Batch, counter: Counter) -> Iterator[Ended]:
    started = time.monotonic()
    called = _kept_and_called(batch, counter)
    for prepared, result in zip(batch, called, strict=True):
        ended = _ended(prepared, result, counter)
        log.info(
            "attempted",
            delivery_id=str(prepared.due.id),
            attempt=ended.number,
            provider=ended.provider,
            ended=ended.attempt.value,
            detail=ended.detail,
            together=len(batch),
            seconds=round(time.monotonic() - started, 4),
        )
        yield ended


def _kept_and_called(batch: _Batch, counter: Counter) -> Sequence[Called]:
    """Only who holds the claim writes a document: what lies there is what was sent."""
    try:
        for prepared in batch:
            counter.documents.keep(prepared.document, prepared.content)
    except OSError as error:
        fault = NotSent(f"its document could not be kept: {type(error).__name__}")
        return [fault] * len(batch)
    try:
        if len(batch) > 1:
            return _send_together(batch, counter.provider)
        return [_call(batch[0], counter.provider)]
    except Exception as error:  # whatever broke, it may have been taken
        return [error] * len(batch)


def _send_together(batch: _Batch, provider: Provider) -> Sequence[Called]:
    emails = [one.handover for one in batch if isinstance(one.handover, Email)]
    assert isinstance(provider, BulkEmailProvider)
    return provider.send_many(emails)


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


def _ended(prepared: Prepared, result: Called, counter: Counter) -> Ended:
    """What the call's end makes of the attempt and of the delivery."""
    now, number = counter.clock(), prepared.due.attempts + 1
    ended = Ended(
        delivery_id=prepared.due.id,
        attempt_id=prepared.attempt_id,
        number=number,
        attempt=AttemptState.UNKNOWN,
        delivery=DeliveryState.UNKNOWN,
        provider=counter.provider.name,
        next_attempt_at=now,
    )
    match result:
        case Taken():
            return _sent(ended, prepared, result)
        case NotSent():
            attempt, delivery = AttemptState.NOT_SENT, DeliveryState.DUE
            wait_s = _wait_after(result, number)
        case Refused():
            attempt, delivery = AttemptState.REFUSED, DeliveryState.REFUSED
            wait_s = backoff_s(number)
        case _:  # Unclear, or something of ours broke
            attempt, delivery = AttemptState.UNKNOWN, DeliveryState.UNKNOWN
            wait_s = backoff_s(number - 1) if number > 1 else ASK_AFTER_S
    if prepared.due.unclear_before:
        # An earlier attempt may still have been taken: this one proves nothing about that.
        delivery = DeliveryState.UNKNOWN
    fault = result if isinstance(result, ProviderError) else None
    detail = fault.detail if fault else type(result).__name__
    return replace(
        ended,
        attempt=attempt,
        delivery=delivery,
        next_attempt_at=now + dt.timedelta(seconds=wait_s),
        detail=detail,
        fault=fault,
        held_reason=_worn(number, delivery, fault, detail),
    )


def _sent(ended: Ended, prepared: Prepared, taken: Taken) -> Ended:
    letter = prepared.handover
    return replace(
        ended,
        attempt=AttemptState.SENT,
        delivery=DeliveryState.HANDED_OVER,
        taken=taken,
        pages=letter.pages if isinstance(letter, Letter) else None,
    )


def _worn(
    number: int, delivery: DeliveryState, fault: ProviderError | None, detail: str
) -> str | None:
    """Why a person should look.  What ails the whole account is no fault of this delivery."""
    if _of_the_lane(fault):
        return None
    if number < MAX_ATTEMPTS or delivery not in {DeliveryState.DUE, DeliveryState.UNKNOWN}:
        return None
    return f"{number} attempts failed; the last: {detail}"


def _wait_after(fault: NotSent, attempt: int) -> float:
    if isinstance(fault, TryLater) and fault.throttled:
        return max(fault.after_s, THROTTLED_WAIT_S * _spread())
    return max(fault.after_s, backoff_s(attempt))


def _of_the_lane(fault: ProviderError | None) -> NotSent | None:
    """The fault where it concerns everybody who leaves by this provider."""
    if isinstance(fault, TryLater) and fault.throttled:
        return fault
    return fault if is_of_the_account(fault) else None


def is_of_the_account(fault: ProviderError | None) -> TypeGuard[LaneHeld]:
    """Not of one sender: another campaign's emails leave while this one's is not verified."""
    return isinstance(fault, LaneHeld) and fault.reason is not LaneReason.NOT_VERIFIED


def backoff_s(attempt: int) -> float:
    """Seconds to wait after attempt `attempt` (1 = the first): doubling from 30 s to 6 h, ±20 %."""
    wait = min(FIRST_WAIT_S * 2.0 ** (attempt - 1), LONGEST_WAIT_S)
    return wait * _spread()


def _spread() -> float:
    spread: float = random.uniform(0.8, 1.2)  # noqa: S311  (spreads load, guards nothing)
    return spread
