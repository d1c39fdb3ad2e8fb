import json
import random
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import event, func, select, text
from sqlalchemy.exc import StatementError

from services.tracking.receipts.contract import Receipt
from services.tracking.receipts.ses import door
from services.tracking.record import Recorded, record, record_many
from services.tracking.words import EventWord, Fact, Outcome, ShownState
from shared.clock import new_id
from shared.database import Database
from shared.tables.tracking import events, outcomes, receipts
from tests.personal import opened
from tests.tracking.builders import NOON, a_database, a_fact, minutes
from tests.tracking.projection import project
from tests.tracking.receipts.signing import an_envelope, payload, signed
from tests.tracking.receipts.test_ses import some_trust


def a_receipt(delivery_id: UUID | None, fact: Fact | None = None, **changes: Any) -> Receipt:
    told: dict[str, Any] = {
        "source": "ses",
        "source_id": str(new_id()),
        "body": '{"eventType": "Delivery"}',
        "delivery_id": delivery_id,
        "fact": fact or a_fact(),
    }
    return Receipt(**(told | changes))


def take(database: Database, receipt: Receipt) -> Recorded:
    with database.begin() as connection:
        return record(connection, receipt, NOON + minutes(1))


def take_many(database: Database, given: Sequence[Receipt]) -> list[Recorded]:
    with database.begin() as connection:
        return record_many(connection, given, NOON + minutes(1))


def outcome_of(database: Database, delivery_id: UUID) -> Outcome | None:
    query = select(outcomes).where(outcomes.c.delivery_id == delivery_id)
    with database.read() as connection:
        row = connection.execute(query).one_or_none()
    return None if row is None else Outcome(ShownState(row.state), row.reason, row.since)


def count(database: Database, table: Any) -> int:
    with database.read() as connection:
        return connection.scalar(select(func.count()).select_from(table)) or 0


def test_a_receipt_leaves_itself_an_event_and_an_outcome(database: Database) -> None:
    delivery = new_id()

    recorded = take(database, a_receipt(delivery, a_fact(detail="250 OK")))

    with database.read() as connection:
        row = connection.execute(select(events)).one()
        kept = connection.execute(select(receipts)).one()
    assert recorded is Recorded.FACT
    assert (row.delivery_id, row.word, row.detail) == (delivery, "delivered", "250 OK")
    assert (row.occurred_at, row.received_at) == (NOON, NOON + minutes(1))
    assert row.receipt_id == kept.id
    assert opened(kept).body == '{"eventType": "Delivery"}'
    assert outcome_of(database, delivery) == Outcome(ShownState.DELIVERED, None, NOON)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("ses/bounce_permanent.json", "Recipient address rejected"),
        ("ses/bounce_permanent.json", "010701a2b3c4d5e6"),
        ("ses/complaint.json", "abuse"),
    ],
)
def test_a_receipt_with_characters_that_no_table_holds_is_recorded(
    name: str, words: str, database: Database
) -> None:
    said = payload(name).replace(words, f"\\u0000\\ud800{words}")
    envelope = json.loads(an_envelope(said)) | {"MessageId": "\x00m-1"}

    receipt = door(some_trust())({}, json.dumps(signed(envelope, "2")).encode())

    assert receipt is not None
    assert take(database, receipt) is Recorded.FACT
    with database.read() as connection:
        row = connection.execute(select(events)).one()
    assert "\x00" not in f"{row.detail} {row.provider_id} {row.reason}"


def test_the_same_receipt_again_changes_nothing(database: Database) -> None:
    receipt = a_receipt(new_id())
    take(database, receipt)

    again = take(database, receipt)

    assert again is Recorded.REPEATED
    assert (count(database, receipts), count(database, events)) == (1, 1)


def test_the_same_fact_in_two_receipts_is_one_event(database: Database) -> None:
    delivery = new_id()

    take(database, a_receipt(delivery))
    take(database, a_receipt(delivery))

    assert (count(database, receipts), count(database, events)) == (2, 1)


def test_the_same_id_from_another_provider_is_another_receipt(database: Database) -> None:
    take(database, a_receipt(new_id(), source="ses", source_id="1"))

    other = take(database, a_receipt(new_id(), source="print_vendor", source_id="1"))

    assert other is Recorded.FACT


def test_a_receipt_about_nothing_of_ours_is_kept(database: Database) -> None:
    recorded = take(database, a_receipt(None))

    assert recorded is Recorded.KEPT
    assert (count(database, receipts), count(database, events)) == (1, 0)


def test_a_bounce_counts_before_and_after_the_delivery(database: Database) -> None:
    early, late = new_id(), new_id()
    bounce = a_fact(EventWord.BOUNCED, reason="hard", occurred_at=NOON + minutes(3))

    for fact in (bounce, a_fact()):
        take(database, a_receipt(early, fact))
    for fact in (a_fact(), bounce):
        take(database, a_receipt(late, fact))

    expected = Outcome(ShownState.BOUNCED, "hard", NOON + minutes(3))
    assert outcome_of(database, early) == outcome_of(database, late) == expected


def test_receipts_of_one_delivery_at_once_add_up_exactly(database: Database) -> None:
    delivery = new_id()
    facts = [
        a_fact(word, occurred_at=NOON + minutes(number))
        for number, word in enumerate(EventWord)
        for _ in range(2)
    ]

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda fact: take(database, a_receipt(delivery, fact)), facts))

    assert count(database, events) == len(EventWord)
    assert outcome_of(database, delivery) == project(facts)


def test_one_receipt_many_times_at_once_is_stored_once(database: Database) -> None:
    receipt = a_receipt(new_id())

    with ThreadPoolExecutor(8) as pool:
        said = list(pool.map(lambda _: take(database, receipt), range(16)))

    assert sorted(said) == [Recorded.FACT] + [Recorded.REPEATED] * 15
    assert count(database, events) == 1


@pytest.mark.parametrize("number", [1, 100])
def test_any_number_of_receipts_costs_four_statements(number: int, database: Database) -> None:
    said: list[str] = []
    listen = lambda *about: said.append(about[2])  # noqa: E731  (the shape of an event listener)
    event.listen(database.engine, "before_cursor_execute", listen)

    recorded = take_many(database, [a_receipt(new_id()) for _ in range(number)])

    assert recorded == [Recorded.FACT] * number
    assert len([one for one in said if not one.startswith("BEGIN")]) == 4


def test_what_became_of_each_is_told_in_the_order_given(database: Database) -> None:
    known, twice = a_receipt(new_id()), a_receipt(new_id(), source_id="b")
    take(database, known)

    recorded = take_many(
        database,
        [
            twice,
            a_receipt(None, source_id="a"),
            known,
            twice,
            a_receipt(new_id(), source_id="0"),
            replace(a_receipt(new_id()), fact=None),
        ],
    )

    assert recorded == ["fact", "kept", "repeated", "repeated", "fact", "kept"]


def test_nothing_is_recorded_of_none(small_database: Database) -> None:
    assert take_many(small_database, []) == []


def test_a_batch_is_recorded_wholly_or_not_at_all(database: Database) -> None:
    wrong = a_receipt(new_id(), body="\ud800")  # half a character, which no table holds

    with pytest.raises(StatementError):
        take_many(database, [a_receipt(new_id()), wrong, a_receipt(new_id())])

    assert [count(database, table) for table in (receipts, events, outcomes)] == [0, 0, 0]


def test_batches_that_overlap_never_wait_in_a_circle(database: Database) -> None:
    deliveries = [new_id() for _ in range(12)]
    told = [
        a_receipt(delivery, a_fact(word), source_id=f"{delivery} {word}")
        for delivery in deliveries
        for word in EventWord
    ]
    dice = random.Random(7)
    batches = [dice.sample(told, 60) for _ in range(24)]

    with ThreadPoolExecutor(8) as pool:
        recorded = list(pool.map(lambda batch: take_many(database, batch), batches))

    taken = {one.source_id for batch in batches for one in batch}
    assert [one for batch in recorded for one in batch].count(Recorded.FACT) == len(taken)
    assert count(database, events) == len(taken)


def test_the_status_code_lies_beside_the_reason(database: Database) -> None:
    take(database, a_receipt(new_id(), a_fact(EventWord.BOUNCED, reason="hard", status="5.1.1")))

    with database.read() as connection:
        row = connection.execute(select(events.c.reason, events.c.status)).one()
    assert tuple(row) == ("hard", "5.1.1")


def test_a_receipt_lies_sealed_in_the_table(small_database: Database) -> None:
    take(small_database, a_receipt(new_id(), body="From: Ada Example"))

    with small_database.read() as connection:
        stored = connection.execute(text("SELECT body FROM receipts")).scalar_one()
    assert b"Ada" not in bytes(stored)


FACTS = st.lists(
    st.builds(
        Fact,
        word=st.sampled_from(EventWord),
        occurred_at=st.integers(0, 2).map(lambda number: NOON + minutes(number)),
        reason=st.sampled_from([None, "hard", "mailbox_full", "mailboxfull"]),
    ),
    min_size=1,
    max_size=5,
)


def test_what_is_stored_is_what_the_facts_add_up_to(database: Database) -> None:
    @settings(max_examples=40, deadline=None)
    @given(facts=FACTS)
    def check(facts: list[Fact]) -> None:
        delivery = new_id()

        for fact in facts:
            take(database, a_receipt(delivery, fact))

        assert outcome_of(database, delivery) == project(facts)

    check()


def test_a_batch_comes_to_what_its_receipts_come_to_one_by_one(database: Database) -> None:
    @settings(max_examples=40, deadline=None)
    @given(facts=FACTS, dice=st.randoms(use_true_random=False))
    def check(facts: list[Fact], dice: random.Random) -> None:
        alone, together = new_id(), new_id()

        for fact in facts:
            take(database, a_receipt(alone, fact))
        take_many(database, dice.sample([a_receipt(together, fact) for fact in facts], len(facts)))

        assert outcome_of(database, together) == outcome_of(database, alone)
        assert facts_of(database, together) == facts_of(database, alone)

    check()


def facts_of(database: Database, delivery_id: UUID) -> set[tuple[Any, ...]]:
    query = select(events.c.word, events.c.reason, events.c.occurred_at)
    with database.read() as connection:
        rows = connection.execute(query.where(events.c.delivery_id == delivery_id)).all()
    assert len(set(rows)) == len(rows)
    return {tuple(row) for row in rows}


def test_sqlite_keeps_what_was_recorded_when_it_is_opened_again(tmp_path: Any) -> None:
    url, delivery = f"sqlite:///{tmp_path / 'kept.db'}", new_id()
    first = a_database(url)
    take(first, a_receipt(delivery))
    first.close()

    second = a_database(url)

    assert outcome_of(second, delivery) is not None
    second.close()
