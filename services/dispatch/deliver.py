"""Hands deliveries over: prepare, claim, call, record.  The send protocol of design section 4.

In: ids from a wake-up.  Out: one call to a provider for each delivery that is still due, and how it
ended.  A delivery is claimed, and its attempt committed, before the call; a result that does not
come back is `unknown`, never "not sent".
"""

import datetime as dt
import itertools
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

import structlog
from sqlalchemy import Connection

from services.dispatch import claims, lanes
from services.dispatch.admission import Admission
from services.dispatch.claims import Ended
from services.dispatch.documents import Documents
from services.dispatch.due import Due, Hold, Moot, NotNow, Prepared
from services.dispatch.erased import stop_erased
from services.dispatch.hand_over import (
    Counter,
    Provider,
    hand_over,
    is_of_the_account,
    wait_until,
)
from services.dispatch.notices import call_off
from services.dispatch.prepare import Preparer
from services.dispatch.providers.contract import (
    MeteredProvider,
    ProviderError,
    TryLater,
)
from services.dispatch.read_due import read_due
from shared.catalogue import Channel
from shared.clock import Clock
from shared.database import DATABASE_AWAY, Database
from shared.privacy import Unreadable

# A key may be missing for a while.  Nobody else of its mailbox waits for it meanwhile.
UNREADABLE_WAIT = dt.timedelta(hours=1)

log = structlog.get_logger()

Route = Callable[[Due], Provider]


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What a worker needs to hand over: chosen once, in worker.py."""

    database: Database
    preparer: Preparer
    documents: Documents
    route: Route
    admission: Admission
    clock: Clock
    chunk: int  # deliveries claimed at once
    claim_ttl_s: float


def deliver(ids: Sequence[UUID], desk: Desk) -> None:
    """Hands over those of the deliveries that are still due."""
    for some in _chunks(ids, desk.chunk):
        for provider, ready in _by_provider(_prepare(some, desk)):
            turn = _book(provider, ready, desk)
            if turn.why_later:
                _put_off([one.due.id for one in ready], turn.at, turn.why_later, desk)
                continue
            _deliver(ready, provider, turn, desk)


def _deliver(ready: Sequence[Prepared], provider: Provider, turn: lanes.Turn, desk: Desk) -> None:
    wait_until(turn.at, desk.clock)  # before the claim: one that waits is nobody's
    ours = _claim(ready, provider, desk)
    claimed_at = time.monotonic()
    counter = Counter(provider=provider, documents=desk.documents, clock=desk.clock)
    ended: list[Ended] = []
    try:
        for one in hand_over(
            ours, counter, turn, lambda: time.monotonic() - claimed_at <= desk.claim_ttl_s / 2
        ):
            ended.append(one)
    finally:  # whatever broke here, what is known already is not forgotten
        _record(ended, provider, desk)


def _prepare(ids: Sequence[UUID], desk: Desk) -> list[tuple[Prepared, Provider]]:
    ready: list[tuple[Prepared, Provider]] = []
    waiting = _read(ids, desk)
    if missing := set(ids).difference(due.id for due in waiting):
        with desk.database.begin() as connection:
            stop_erased(connection, list(missing))
    for due in waiting:
        provider = desk.route(due)
        try:
            _check_unclear(due, provider)
            prepared = desk.preparer.prepare(due, desk.clock())
        except NotNow as fault:
            _put_aside(due, fault, desk)
            continue
        ready.append((prepared, provider))
    return ready


def _check_unclear(due: Due, provider: Provider) -> None:
    """Raises Hold.  Only who may have taken an order can be asked for it."""
    others = " and ".join(sorted(due.unclear_at - {provider.name}))
    if others and due.channel == Channel.LETTER:
        raise Hold(
            f"{others} may have printed it already, and letters leave by {provider.name} now."
            " Settle the unclear attempt in the console and release it; or set WRIT_PRINT_VENDOR"
            f" back to {others} until it is settled, and release it then."
        )


def _read(ids: Sequence[UUID], desk: Desk) -> list[Due]:
    """Those still due.  One whose words do not open waits a while, and stops no other."""
    try:
        with desk.database.read() as connection:
            return read_due(connection, ids)
    except Unreadable as error:
        if len(ids) == 1:
            log.error("unreadable", delivery_id=str(ids[0]), error=str(error))
            _put_off([ids[0]], desk.clock() + UNREADABLE_WAIT, "its words do not open", desk)
            return []
        return [due for one in ids for due in _read([one], desk)]


def _put_aside(due: Due, fault: NotNow, desk: Desk) -> None:
    moot = isinstance(fault, Moot)
    put = call_off if moot else claims.hold
    with desk.database.begin() as connection:
        put(connection, due.id, str(fault))
    event = "called_off" if moot else "held"
    log.info(event, delivery_id=str(due.id), reason=str(fault))


def _by_provider(
    ready: Iterable[tuple[Prepared, Provider]],
) -> Iterator[tuple[Provider, list[Prepared]]]:
    groups: dict[str, tuple[Provider, list[Prepared]]] = {}
    for prepared, provider in ready:
        groups.setdefault(provider.name, (provider, []))[1].append(prepared)
    yield from groups.values()


def _book(provider: Provider, ready: Sequence[Prepared], desk: Desk) -> lanes.Turn:
    metered = isinstance(provider, MeteredProvider)
    with desk.database.begin() as connection:
        turn = lanes.book(connection, provider.name, len(ready), desk.clock(), metered=metered)
    if turn.ask and isinstance(provider, MeteredProvider):
        _ask_account(provider, desk)
    return turn


def _ask_account(provider: MeteredProvider, desk: Desk) -> None:
    try:
        account = provider.account()
    except ProviderError as error:
        log.warning("account_not_told", provider=provider.name, error=error.detail)
        return
    with desk.database.begin() as connection:
        lanes.learn(connection, provider.name, account, desk.clock())


def _put_off(ids: Sequence[UUID], until: dt.datetime, reason: str, desk: Desk) -> None:
    with desk.database.begin() as connection:
        claims.put_off(connection, dict.fromkeys(ids, until))
    log.info("put_off", deliveries=len(ids), until=until.isoformat(), reason=reason)


def _claim(ready: Sequence[Prepared], provider: Provider, desk: Desk) -> list[Prepared]:
    with desk.database.begin() as connection:
        admitted, now = desk.admission.admit(connection, ready, provider.name)
        ours = claims.claim(connection, [(one, provider.name) for one in admitted], now)
    return [prepared for prepared in ready if prepared.due.id in ours]


def _record(ended: list[Ended], provider: Provider, desk: Desk) -> None:
    """Writes the results; while the database is away this worker takes nothing more."""
    if not ended:
        return
    for wait_s in itertools.chain([0.1, 0.5, 1.0], itertools.repeat(2.0)):
        try:
            with desk.database.begin() as connection:
                claims.record(connection, ended, desk.clock())
                _tell_lane(connection, ended, provider, desk.clock())
        except DATABASE_AWAY as error:
            log.warning("results_not_recorded", deliveries=len(ended), error=type(error).__name__)
            time.sleep(wait_s)
        else:
            return


def _tell_lane(
    connection: Connection, ended: Sequence[Ended], provider: Provider, now: dt.datetime
) -> None:
    """What ails the account is every worker's business."""
    faults = [one.fault for one in ended]
    held = next((fault for fault in faults if is_of_the_account(fault)), None)
    if held:
        until = now + dt.timedelta(seconds=held.after_s)
        lanes.hold(connection, provider.name, until, held.detail)
    if any(isinstance(fault, TryLater) and fault.throttled for fault in faults):
        lanes.slow_down(connection, provider.name, now)


def _chunks(ids: Sequence[UUID], size: int) -> Iterator[Sequence[UUID]]:
    return (ids[at : at + size] for at in range(0, len(ids), size))
