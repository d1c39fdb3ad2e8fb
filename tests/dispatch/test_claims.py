"""One of two gets a delivery, and a result counts whenever it comes."""

import datetime as dt
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest
from sqlalchemy import Connection, event

from services.dispatch import claims
from services.dispatch.claims import Ended
from services.dispatch.due import Due, Prepared
from services.dispatch.obey import obey
from services.dispatch.providers.contract import Email, Letter, Taken
from services.dispatch.read_due import read_due
from services.dispatch.recover import abandon_stale_claims
from shared.clock import new_id
from shared.tables.dispatch import AttemptState, DeliveryState, print_orders
from tests.dispatch.builders import NOON, World, a_due
from tests.dispatch.entries import a_catalogue

LATER = NOON + dt.timedelta(hours=1)


def prepared(due: Due) -> Prepared:
    letter = Letter(
        delivery_id=due.id, idempotency_key=str(due.id), pdf=b"", pages=1, lines=(), country="BY"
    )
    return Prepared(
        due=due,
        attempt_id=new_id(),
        handover=letter,
        document="there.pdf",
        content=b"",
        holder=None,
        address="there",
    )


def ended(delivery: UUID, attempt: UUID, how: AttemptState, **changes: object) -> Ended:
    becomes = {
        AttemptState.SENT: DeliveryState.HANDED_OVER,
        AttemptState.NOT_SENT: DeliveryState.DUE,
        AttemptState.REFUSED: DeliveryState.REFUSED,
        AttemptState.UNKNOWN: DeliveryState.UNKNOWN,
    }
    fields = {
        "delivery_id": delivery,
        "attempt_id": attempt,
        "number": 1,
        "attempt": how,
        "delivery": becomes[how],
        "provider": "ses",
        "taken": Taken(provider_id="m-1") if how is AttemptState.SENT else None,
        "next_attempt_at": LATER,
    }
    return Ended(**fields | changes)  # type: ignore[arg-type]


def record(world: World, *results: Ended) -> None:
    with world.database.begin() as connection:
        claims.record(connection, results, NOON)


def test_of_workers_woken_for_the_same_each_delivery_is_called_once(world: World) -> None:
    ids = [world.a_delivery() for _ in range(50)]
    start = threading.Barrier(4)

    def work(order: list[UUID]) -> None:
        start.wait()
        world.deliver(*order, chunk=5)

    with ThreadPoolExecutor(4) as threads:
        for done in [threads.submit(work, order) for order in (ids, ids[::-1], ids, ids[::-1])]:
            done.result()

    assert sorted(world.emails.calls) == sorted(ids)
    assert {world.delivery(one).state for one in ids} == {"handed_over"}
    assert {len(world.attempts(one)) for one in ids} == {1}


def test_fifty_races_for_one_delivery_make_fifty_calls(world: World) -> None:
    ids = [world.a_delivery() for _ in range(50)]
    start = threading.Barrier(2)

    def work() -> None:
        for one in ids:
            start.wait()
            world.deliver(one)

    with ThreadPoolExecutor(2) as threads:
        for done in [threads.submit(work), threads.submit(work)]:
            done.result()

    assert world.emails.calls == ids


def test_what_was_prepared_before_another_attempt_is_not_claimed(world: World) -> None:
    stale, fresh = world.a_delivery(attempts=1), world.a_delivery()
    world.an_attempt(stale, state="not_sent")

    with world.database.begin() as connection:
        both = [(prepared(a_due(id=one, attempts=0)), "ses") for one in (stale, fresh)]
        ours = claims.claim(connection, both, NOON)

    assert ours == {fresh}
    assert world.delivery(stale).state == "due"


def test_what_another_transaction_holds_is_left_to_it(postgres_world: World) -> None:
    world = postgres_world
    one = world.a_delivery()

    with world.database.begin() as first, world.database.begin() as second:
        won = claims.claim(first, [(prepared(a_due(id=one)), "ses")], NOON)
        lost = claims.claim(second, [(prepared(a_due(id=one)), "ses")], NOON)

    assert (won, lost) == ({one}, set())


def test_a_claim_says_by_whom_and_with_which_key(world: World) -> None:
    one = world.a_delivery()

    with world.database.begin() as connection:
        claims.claim(connection, [(prepared(a_due(id=one)), "print_vendor")], NOON)

    [attempt] = world.attempts(one)
    assert (attempt.provider, attempt.idempotency_key) == ("print_vendor", str(one))
    assert (attempt.state, attempt.document, attempt.address) == ("started", "there.pdf", "there")
    delivery = world.delivery(one)
    assert (delivery.state, delivery.claimed_at, delivery.attempts) == ("sending", NOON, 1)


def test_what_is_due_is_read_with_the_words_of_its_action(world: World) -> None:
    one = world.a_delivery(words="Grüße, **you** {{ case }}")

    with world.database.read() as connection:
        [due] = read_due(connection, [one, new_id()])

    assert (due.words, due.supporter_name) == ("Grüße, **you** {{ case }}", "Ana Beispiel")
    assert due.unclear_before is False


def test_what_is_due_says_who_may_have_taken_it(world: World) -> None:
    one = world.a_delivery(attempts=3)
    for number, provider in enumerate(("lob", "lob", "pingen", "ses"), 1):
        state = "not_sent" if provider == "ses" else "unknown"
        world.an_attempt(one, number=number, provider=provider, state=state)

    with world.database.read() as connection:
        [due] = read_due(connection, [one])

    assert (due.unclear_before, due.unclear_at) == (True, frozenset({"lob", "pingen"}))


class TestLateResults:
    """The worker was thought gone: its result is the truth all the same."""

    @pytest.mark.parametrize("state", ["unknown", "due", "refused", "cancelled", "sending"])
    def test_a_proof_counts_whatever_was_decided_without_it(self, state: str, world: World) -> None:
        delivery, attempt = world.an_unknown(state=state, held_reason="looks", woken_at=NOON)

        record(world, ended(delivery, attempt, AttemptState.SENT))

        row = world.delivery(delivery)
        assert (row.state, row.provider_id) == ("handed_over", "m-1")
        assert (row.held_reason, row.woken_at) == (None, None)
        assert world.attempts(delivery)[0].state == "sent"

    @pytest.mark.parametrize("state", ["due", "unknown", "sending"])
    def test_a_proof_of_an_earlier_attempt_stops_the_next(self, state: str, world: World) -> None:
        delivery = world.a_delivery(state=state, attempts=2)
        first = world.an_attempt(delivery, state="not_sent")
        world.an_attempt(delivery, number=2, state="not_sent")

        record(world, ended(delivery, first, AttemptState.SENT))
        world.deliver(delivery)

        assert world.delivery(delivery).state == "handed_over"
        assert world.emails.calls == []

    @pytest.mark.parametrize(
        "how", [AttemptState.NOT_SENT, AttemptState.REFUSED, AttemptState.UNKNOWN]
    )
    def test_anything_else_of_an_earlier_attempt_changes_nothing_now(
        self, how: AttemptState, world: World
    ) -> None:
        delivery = world.a_delivery(state="sending", attempts=2, claimed_at=NOON)
        first = world.an_attempt(delivery)
        world.an_attempt(delivery, number=2, state="started")

        record(world, ended(delivery, first, how))

        assert world.delivery(delivery).state == "sending"

    def test_a_late_not_sent_makes_an_unknown_due_again(self, world: World) -> None:
        delivery, attempt = world.an_unknown()

        record(world, ended(delivery, attempt, AttemptState.NOT_SENT))

        assert world.delivery(delivery).state == "due"
        assert world.delivery(delivery).next_attempt_at == LATER

    def test_a_late_doubt_does_not_undo_a_verdict(self, world: World) -> None:
        delivery = world.a_delivery(attempts=1)
        attempt = world.an_attempt(delivery, state="not_sent")

        record(world, ended(delivery, attempt, AttemptState.UNKNOWN))

        assert world.attempts(delivery)[0].state == "not_sent"
        assert world.delivery(delivery).state == "due"

    @pytest.mark.parametrize("how", list(AttemptState)[1:])
    def test_a_result_written_twice_is_written_once(self, how: AttemptState, world: World) -> None:
        delivery, attempt = world.an_unknown(state="sending", channel="letter")
        result = ended(delivery, attempt, how, pages=1)
        record(world, result)
        once = (world.delivery(delivery), world.attempts(delivery))

        record(world, result)

        assert (world.delivery(delivery), world.attempts(delivery)) == once
        assert len(world.rows(print_orders)) == (how is AttemptState.SENT)

    def test_an_order_settles_nothing_that_another_vendor_may_have(self, world: World) -> None:
        delivery = world.a_delivery(channel="letter", state="sending", attempts=3)
        for number, vendor in enumerate(("print_vendor", "lob"), 1):
            world.an_attempt(delivery, number=number, provider=vendor)
        last = world.an_attempt(delivery, number=3, provider="lob", state="started")

        record(world, ended(delivery, last, AttemptState.SENT, number=3, provider="lob"))

        states = [one.state for one in world.attempts(delivery)]
        assert states == ["unknown", "not_sent", "sent"]

    def test_nothing_takes_back_what_was_handed_over(self, world: World) -> None:
        delivery, attempt = world.an_unknown(state="handed_over", provider_id="m-1")

        record(world, ended(delivery, attempt, AttemptState.NOT_SENT))

        assert world.delivery(delivery).state == "handed_over"


def test_all_who_end_attempts_take_their_locks_in_one_order(small_world: World) -> None:
    """Else a worker, the relay and a command could each wait for another (deadlock)."""
    written: list[str] = []

    @event.listens_for(small_world.database.engine, "before_cursor_execute")
    def note(_c: object, _cursor: object, statement: str, *_: object) -> None:
        if statement.startswith("UPDATE"):
            written.append(statement.split()[1])

    def steps(act: Callable[[Connection], object]) -> list[str]:
        written.clear()
        with small_world.database.begin() as connection:
            act(connection)
        return [table for table in written if table in {"attempts", "deliveries"}]

    stale, attempt = small_world.an_unknown(state="sending", claimed_at=NOON)
    other, unknown = small_world.an_unknown()
    sent = ended(stale, attempt, AttemptState.SENT)
    arguments = {"verdict": "sent"}
    small_world.a_command("resolve_unknown", other, attempt_id=unknown, arguments=arguments)

    orders = [
        steps(lambda c: abandon_stale_claims(c, LATER, claim_ttl_s=1)),
        steps(lambda c: claims.record(c, [sent], NOON)),
        steps(lambda c: obey(c, a_catalogue(), NOON)),
    ]

    assert all(order == sorted(order) and len(set(order)) == 2 for order in orders), orders


def test_an_email_is_routed_by_its_kind_of_handover(small_world: World) -> None:
    one = small_world.a_delivery()

    small_world.deliver(one)

    assert isinstance(small_world.emails.handed[0], Email)
