import datetime as dt
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import insert, select

from services.tracking.queries.sentences import STATE_SAYS, event_says
from services.tracking.words import (
    RANK,
    SHOWN_STATE,
    STATE_BEFORE_RECEIPTS,
    STATE_OF,
    EventWord,
    Fact,
    ShownState,
)
from shared.database import Database
from shared.tables.dispatch import DeliveryState, deliveries
from shared.tables.tracking import outcomes
from tests.tracking.builders import NOON, a_delivery, a_fact, minutes
from tests.tracking.projection import project, shown_state

A_MOMENT = st.integers(0, 3).map(lambda number: NOON + dt.timedelta(microseconds=number))
A_REASON = st.sampled_from([None, "hard", "mailbox_full"])
SOME_FACTS = st.lists(
    st.builds(Fact, word=st.sampled_from(EventWord), occurred_at=A_MOMENT, reason=A_REASON),
    min_size=1,
    max_size=6,
)


@given(facts=SOME_FACTS, dice=st.randoms())
def test_the_order_of_the_facts_changes_nothing(facts: list[Fact], dice: random.Random) -> None:
    shuffled = dice.sample(facts, len(facts))

    assert project(shuffled) == project(facts)


@given(facts=SOME_FACTS, again=st.integers(0, 5))
def test_a_fact_told_twice_changes_nothing(facts: list[Fact], again: int) -> None:
    repeated = [*facts, facts[again % len(facts)]]

    assert project(repeated) == project(facts)


@pytest.mark.parametrize(
    ("words", "state"),
    [
        ([EventWord.SENT_PROOF], ShownState.HANDED_OVER),
        ([EventWord.DEFERRED, EventWord.DELIVERED], ShownState.DELIVERED),
        ([EventWord.DELIVERED, EventWord.BOUNCED], ShownState.BOUNCED),
        ([EventWord.DELIVERED, EventWord.AUTO_REPLIED], ShownState.DELIVERED),
        ([EventWord.SENT_PROOF, EventWord.AUTO_REPLIED], ShownState.HANDED_OVER),
        ([EventWord.DELIVERED, EventWord.EXPIRED], ShownState.DELIVERED),
        ([EventWord.SENT_PROOF, EventWord.EXPIRED], ShownState.EXPIRED),
        ([EventWord.SENT_PROOF, EventWord.SUPPRESSED], ShownState.BOUNCED),
        ([EventWord.DELIVERED, EventWord.COMPLAINED], ShownState.COMPLAINED),
        ([EventWord.POSTED, EventWord.DELIVERED, EventWord.RETURNED], ShownState.RETURNED),
        ([EventWord.SENT_PROOF, EventWord.REJECTED], ShownState.REFUSED),
        ([EventWord.SENT_PROOF, EventWord.IN_TRANSIT], ShownState.POSTED),
        ([EventWord.LEFT_COUNTRY, EventWord.IN_TRANSIT], ShownState.LEFT_COUNTRY),
        ([EventWord.DELIVERED, EventWord.LEFT_COUNTRY], ShownState.DELIVERED),
        ([EventWord.LEFT_COUNTRY, EventWord.RETURNED], ShownState.RETURNED),
    ],
)
def test_facts_add_up_to_one_state(words: list[EventWord], state: ShownState) -> None:
    outcome = project(a_fact(word) for word in words)

    assert outcome is not None
    assert outcome.state is state


def test_the_earliest_of_equal_facts_says_since_when() -> None:
    facts = [a_fact(occurred_at=NOON + minutes(5)), a_fact(occurred_at=NOON)]

    outcome = project(facts)

    assert outcome is not None
    assert outcome.since == NOON


def test_without_facts_there_is_no_outcome() -> None:
    assert project([]) is None


def test_every_word_has_its_state_rank_and_sentence() -> None:
    assert set(STATE_OF) == set(EventWord)
    assert set(RANK) == set(STATE_OF.values())
    assert len(set(RANK.values())) == len(RANK)
    assert set(STATE_BEFORE_RECEIPTS) == set(DeliveryState)
    assert set(STATE_SAYS) == set(ShownState)
    assert all(event_says(word, None) for word in EventWord)


def test_the_query_and_python_show_the_same_state(database: Database) -> None:
    with database.begin() as connection:
        for state in DeliveryState:
            for held in (None, "look at it"):
                for outcome in (None, *RANK):
                    delivery = a_delivery(connection, state=state.value, held_reason=held)
                    if outcome is not None:
                        told = {"delivery_id": delivery, "state": outcome.value, "since": NOON}
                        connection.execute(insert(outcomes).values(told))

    with database.read() as connection:
        rows = connection.execute(
            select(
                SHOWN_STATE.label("shown"),
                outcomes.c.state.label("outcome"),
                deliveries.c.state,
                deliveries.c.held_reason,
            ).outerjoin_from(deliveries, outcomes, outcomes.c.delivery_id == deliveries.c.id)
        ).all()

    assert len(rows) == len(DeliveryState) * 2 * (len(RANK) + 1)
    for row in rows:
        assert row.shown == shown_state(row.outcome, row.state, row.held_reason)
