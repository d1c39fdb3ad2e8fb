"""Receipts of either way: who reads is followed only where that is asked for."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import event, select

from services.tracking.api import ReceiptsEdge
from services.tracking.models import ProviderPath
from services.tracking.receipts.contract import NotConfirmed, Receipt
from services.tracking.record import Recorded
from services.tracking.take import Taker
from services.tracking.words import READING, EventWord, ShownState
from shared.catalogue_reader import CatalogueReader
from shared.clock import new_id
from shared.database import Database
from shared.http.problems import Problem
from shared.tables.tracking import events, outcomes, receipts
from tests.tracking.builders import a_delivery, a_fact, minutes, noon
from tests.tracking.test_api import THE_CAMPAIGN, load
from tests.tracking.test_record import a_receipt, count


def a_taker(database: Database) -> Taker:
    return Taker(database=database, catalogue=CatalogueReader(database), clock=noon)


def load_campaign(database: Database, **changes: Any) -> None:
    load(database, campaign={**THE_CAMPAIGN, **changes})


def of_a_delivery(database: Database, word: EventWord, **changes: Any) -> Receipt:
    with database.begin() as connection:
        delivery = a_delivery(connection, **changes)
    return a_receipt(delivery, a_fact(word))


def state_of(database: Database, delivery_id: UUID | None) -> str | None:
    query = select(outcomes.c.state).where(outcomes.c.delivery_id == delivery_id)
    with database.read() as connection:
        return connection.scalar(query)


@pytest.mark.parametrize("word", sorted(READING))
def test_where_nobody_asked_no_trace_is_kept_of_who_reads(
    word: EventWord, database: Database
) -> None:
    load_campaign(database)
    opened, sent = (of_a_delivery(database, one) for one in (word, EventWord.SENT_PROOF))

    recorded = a_taker(database).take([opened, sent])

    assert recorded == [None, Recorded.FACT]
    assert [count(database, table) for table in (receipts, events)] == [1, 1]


@pytest.mark.parametrize("word", sorted(READING))
def test_a_campaign_that_asks_is_told(word: EventWord, database: Database) -> None:
    load_campaign(database, follow_reading=True)
    opened = of_a_delivery(database, word)

    recorded = a_taker(database).take([opened])

    assert recorded == [Recorded.FACT]
    assert state_of(database, opened.delivery_id) == ShownState.DELIVERED


def test_another_campaign_that_asks_changes_nothing(small_database: Database) -> None:
    load_campaign(small_database, follow_reading=True)
    opened = of_a_delivery(small_database, EventWord.OPENED, campaign="another")

    assert a_taker(small_database).take([opened]) == [None]


def test_what_is_opened_and_no_delivery_of_ours_is_left(small_database: Database) -> None:
    load_campaign(small_database, follow_reading=True)
    strange = [a_receipt(one, a_fact(EventWord.OPENED)) for one in (None, new_id())]

    assert a_taker(small_database).take(strange) == [None, None]
    assert count(small_database, receipts) == 0


@pytest.mark.parametrize("word", [EventWord.BOUNCED, EventWord.COMPLAINED])
def test_whoever_opens_it_a_bounce_stays_a_bounce(word: EventWord, database: Database) -> None:
    load_campaign(database, follow_reading=True)
    came_back = of_a_delivery(database, word)
    opened = a_receipt(
        came_back.delivery_id, a_fact(EventWord.OPENED, occurred_at=noon() + minutes(9))
    )

    a_taker(database).take([opened, came_back])

    assert state_of(database, came_back.delivery_id) == word


def test_receipts_that_tell_of_no_reader_ask_nothing_more(small_database: Database) -> None:
    said: list[str] = []
    listen = lambda *about: said.append(about[2])  # noqa: E731  (the shape of an event listener)
    event.listen(small_database.engine, "before_cursor_execute", listen)

    a_taker(small_database).take([a_receipt(new_id())])

    assert len([one for one in said if not one.startswith("BEGIN")]) == 4


def test_a_receipt_without_our_tag_is_found_by_the_providers_id(database: Database) -> None:
    with database.begin() as connection:
        ours = a_delivery(connection, provider_id="0102-ours")
        a_delivery(connection, provider="print_vendor", provider_id="0102-other")
    told = [
        a_receipt(None, a_fact(provider_id=provider_id))
        for provider_id in ("0102-ours", "0102-other", "0102-nobody's", None)
    ]

    recorded = a_taker(database).take(told)

    assert recorded == ["fact", "kept", "kept", "kept"]
    assert state_of(database, ours) == ShownState.DELIVERED


def test_a_tag_is_believed_before_the_providers_id(small_database: Database) -> None:
    with small_database.begin() as connection:
        a_delivery(connection, provider_id="0102-ours")
    tagged = replace(a_receipt(new_id()), fact=a_fact(provider_id="0102-ours"))

    a_taker(small_database).take([tagged])

    assert state_of(small_database, tagged.delivery_id) == ShownState.DELIVERED


def test_a_topic_that_our_yes_does_not_reach_is_asked_to_ask_again(
    small_database: Database,
) -> None:
    def door(_headers: Mapping[str, str], _body: bytes) -> Receipt | None:
        raise NotConfirmed("the subscription could not be confirmed")

    edge = ReceiptsEdge(take=a_taker(small_database).take, doors={"ses": door})

    with Flask("asked").test_request_context(), pytest.raises(Problem) as asked:
        edge.post_receipt(ProviderPath(provider="ses"), b"{}")

    assert (asked.value.kind.status, asked.value.kind.code) == (503, "not_confirmed")
