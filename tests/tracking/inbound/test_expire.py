"""What people wrote back goes with the supporter, or when its time is over; that it came stays."""

import datetime as dt
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, update

from services.tracking.forget import forget
from services.tracking.inbound import expire as expiring
from services.tracking.inbound.expire import UNMATCHED, expire
from shared.catalogue import Campaign, Catalogue
from shared.database import Database
from shared.tables.replies import replies
from tests.tracking.builders import NOON
from tests.tracking.inbound.letters import a_mail, an_answer_to
from tests.tracking.inbound.test_keep import facts, keep, sent
from tests.tracking.test_api import THE_CAMPAIGN
from tests.tracking.test_forget import LATER, erased

DAY = dt.timedelta(days=1)


def a_catalogue(**changes: Any) -> Catalogue:
    return Catalogue([Campaign.model_validate({**THE_CAMPAIGN, **changes})])


def kept(database: Database) -> dict[UUID | None, list[bool]]:
    """By delivery: whether sender, subject, text and message are there."""
    with database.read() as connection:
        rows = connection.execute(select(replies)).all()
    return {
        row.delivery_id: [
            one is not None for one in (row.sender, row.subject, row.text, row.message)
        ]
        for row in rows
    }


def came(database: Database, at: dt.datetime) -> None:
    with database.begin() as connection:
        connection.execute(update(replies).values(received_at=at))


def test_an_erased_supporters_answers_lose_their_words(database: Database) -> None:
    gone, stays, many = sent(database), sent(database), sent(database, carrier="digest")
    keep(database, *(an_answer_to(one) for one in (gone, stays, many)))
    with database.begin() as connection:
        erased(connection, gone, many)

    forget(database, LATER)

    assert kept(database) == {gone: [False] * 4, stays: [True] * 4, many: [True] * 4}
    assert {(delivery, word) for delivery, word, _ in facts(database)} == {
        (one, "answered") for one in (gone, stays, many)
    }


@pytest.mark.parametrize(
    ("age", "stays"), [(dt.timedelta(days=29), True), (dt.timedelta(days=31), False)]
)
def test_answers_are_kept_as_long_as_the_campaign_keeps_people(
    age: dt.timedelta, stays: bool, database: Database
) -> None:
    delivery = sent(database)
    keep(database, an_answer_to(delivery))
    came(database, NOON - age)

    number = expire(database, a_catalogue(retention_days=30), NOON)

    assert number == (0 if stays else 1)
    assert kept(database) == {delivery: [stays] * 4}


@pytest.mark.parametrize(("age", "stays"), [(UNMATCHED - DAY, True), (UNMATCHED + DAY, False)])
def test_what_matches_nothing_is_kept_for_a_season(
    age: dt.timedelta, stays: bool, database: Database
) -> None:
    keep(database, a_mail())
    came(database, NOON - age)

    expire(database, a_catalogue(retention_days=3000), NOON)

    assert kept(database) == {None: [stays] * 4}


def test_a_campaign_that_is_gone_keeps_as_long_as_is_usual(database: Database) -> None:
    delivery = sent(database, campaign="of-old")
    keep(database, an_answer_to(delivery))
    came(database, NOON - 729 * DAY)
    before = expire(database, a_catalogue(), NOON)

    came(database, NOON - 731 * DAY)

    assert (before, expire(database, a_catalogue(), NOON)) == (0, 1)


def test_more_than_one_batch_goes_in_one_go(
    small_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expiring, "BATCH", 2)
    keep(small_database, *(a_mail(f"Number {n}.") for n in range(5)))
    came(small_database, NOON - 10 * UNMATCHED)

    numbers = [expire(small_database, Catalogue([]), NOON) for _ in range(2)]

    assert numbers == [5, 0]
