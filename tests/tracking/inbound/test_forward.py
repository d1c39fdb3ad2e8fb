"""A campaign tool learns what came back on its own deliveries, and a text only by policy."""

from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select
from werkzeug.test import TestResponse

from services.tracking.app import create_app
from shared.clock import new_id
from shared.database import Database
from shared.tables.replies import replies
from tests.tracking.again import sent_again
from tests.tracking.builders import NOON, a_delivery, a_key, an_action, noon, some_settings
from tests.tracking.inbound.letters import ANSWER, an_answer_to
from tests.tracking.inbound.test_keep import keep
from tests.tracking.test_api import THE_CAMPAIGN, load
from tests.tracking.test_forget import erased

WANTS_REPLIES = {"show_name": True, "show_country": True, "replies": True}


def forwarding(database: Database, **changes: Any) -> None:
    load(database, campaign={**THE_CAMPAIGN, "forward": True, **changes})


def answered(database: Database, *contents: str, **changes: Any) -> UUID:
    """A delivery whose supporter asked for replies, and got these."""
    consent = changes.pop("consent", WANTS_REPLIES)
    with database.begin() as connection:
        action = an_action(connection, consent=consent)
        delivery = a_delivery(connection, of=action, **changes)
    keep(database, *(an_answer_to(delivery, text) for text in contents or (ANSWER,)))
    return delivery


def ask(tmp_path: Path, database: Database, delivery: UUID, key: str | None = None) -> TestResponse:
    web = create_app(some_settings(tmp_path), database, noon).test_client()
    bearer = {"Authorization": f"Bearer {key or a_key(database)}"}
    return web.get(f"/v1/deliveries/{delivery}/replies", headers=bearer)


def texts(answer: TestResponse) -> list[tuple[str, str | None]]:
    assert answer.json is not None
    return [(one["kind"], one["text"]) for one in answer.json["replies"]]


def given_at(database: Database) -> list[Any]:
    with database.read() as connection:
        return list(connection.scalars(select(replies.c.forwarded_at)))


def test_an_answer_is_given_to_be_passed_on(tmp_path: Path, database: Database) -> None:
    forwarding(database)
    delivery = answered(database)

    answer = ask(tmp_path, database, delivery)

    assert answer.status_code == 200
    assert texts(answer) == [("answer", ANSWER.strip())]
    assert given_at(database) == [NOON]


def test_kind_and_time_are_told_without_any_policy(
    tmp_path: Path, small_database: Database
) -> None:
    load(small_database, campaign=THE_CAMPAIGN)
    delivery = answered(small_database)

    answer = ask(tmp_path, small_database, delivery)

    assert texts(answer) == [("answer", None)]
    assert answer.json is not None
    assert answer.json["replies"][0]["received_at"] == "2021-12-10T11:30:00Z"
    assert given_at(small_database) == [None]


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"consent": {"show_name": True}}, ANSWER),
        ({"carrier": "digest"}, ANSWER),
        ({"carrier": "notice"}, ANSWER),
        ({"campaign": "another"}, ANSWER),
        ({}, "We have received your letter."),
        ({}, "I am out of the office."),
    ],
)
def test_no_text_leaves_that_the_policy_does_not_name(
    changes: dict[str, Any], text: str, tmp_path: Path, small_database: Database
) -> None:
    forwarding(small_database)
    delivery = answered(small_database, text, **changes)

    answer = ask(tmp_path, small_database, delivery)

    assert [given for _, given in texts(answer)] == [None]
    assert given_at(small_database) == [None]


def test_nothing_is_passed_on_to_who_was_erased(tmp_path: Path, small_database: Database) -> None:
    forwarding(small_database)
    delivery = answered(small_database)
    with small_database.begin() as connection:
        erased(connection, delivery)  # and tracking has not forgotten yet

    assert texts(ask(tmp_path, small_database, delivery)) == [("answer", None)]


def test_an_answer_to_what_was_sent_again_since_is_passed_on(
    tmp_path: Path, database: Database
) -> None:
    """To the tool that handed it in: its action rests on the later one."""
    forwarding(database)
    delivery = answered(database)
    with database.begin() as connection:
        again = sent_again(connection, delivery)
    key = a_key(database)

    earlier, later = (ask(tmp_path, database, one, key) for one in (delivery, again))

    assert texts(earlier) == [("answer", ANSWER.strip())]
    assert texts(later) == []
    assert given_at(database) == [NOON]


def test_another_clients_delivery_is_not_found(tmp_path: Path, small_database: Database) -> None:
    forwarding(small_database)
    delivery = answered(small_database)
    stranger = a_key(small_database, client_id=new_id())

    assert ask(tmp_path, small_database, delivery, stranger).status_code == 404
    assert ask(tmp_path, small_database, new_id(), stranger).status_code == 404
    assert given_at(small_database) == [None]


def test_it_is_noted_once_when_the_text_first_left(
    tmp_path: Path, small_database: Database
) -> None:
    forwarding(small_database)
    delivery = answered(small_database)
    key = a_key(small_database)
    first = ask(tmp_path, small_database, delivery, key)
    later = create_app(some_settings(tmp_path), small_database, lambda: NOON.replace(hour=20))

    second = later.test_client().get(
        f"/v1/deliveries/{delivery}/replies", headers={"Authorization": f"Bearer {key}"}
    )

    assert texts(first) == texts(second)
    assert given_at(small_database) == [NOON]


def test_the_timeline_tells_of_an_answer_without_its_words(
    tmp_path: Path, small_database: Database
) -> None:
    forwarding(small_database)
    with small_database.begin() as connection:
        action = an_action(connection, consent=WANTS_REPLIES)
        delivery = a_delivery(connection, of=action)
    keep(small_database, an_answer_to(delivery))
    web = create_app(some_settings(tmp_path), small_database, noon).test_client()

    answer = web.get(
        f"/v1/actions/{action}/timeline",
        headers={"Authorization": f"Bearer {a_key(small_database)}"},
    )

    assert answer.json is not None
    [told] = [one for one in answer.json["moments"] if one["word"] == "answered"]
    assert (told["says"], told["source"]) == ("An answer came.", "mail")
    assert "Minister" not in answer.text
