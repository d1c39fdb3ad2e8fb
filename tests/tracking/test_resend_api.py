"""A campaign tool has what came back sent again, through HTTP."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import insert, select
from werkzeug.test import TestResponse

from services.tracking.app import create_app
from services.tracking.words import EventWord
from shared.api_keys import Scope
from shared.clock import new_id
from shared.database import Database
from shared.tables.dispatch import carriages, obeyed_commands
from shared.tables.tracking import commands
from tests.tracking.again import bounced, sent_again
from tests.tracking.builders import (
    CLIENT,
    NOON,
    a_delivery,
    a_key,
    an_action,
    noon,
    some_settings,
)
from tests.tracking.test_api import THE_CAMPAIGN, THE_OFFICE, load


@pytest.fixture
def web(tmp_path: Path, small_database: Database) -> Iterator[FlaskClient]:
    load(small_database, recipient=THE_OFFICE, campaign=THE_CAMPAIGN)
    with create_app(some_settings(tmp_path), small_database, noon).test_client() as client:
        yield client


@pytest.fixture
def key(small_database: Database) -> dict[str, str]:
    return {"Authorization": f"Bearer {a_key(small_database)}"}


def ask(
    web: FlaskClient, key: dict[str, str], delivery: UUID, why: str = "it has moved"
) -> TestResponse:
    return web.post(f"/v1/deliveries/{delivery}/resend", headers=key, json={"why": why})


def given(database: Database) -> Any:
    with database.read() as connection:
        return connection.execute(select(commands)).all()


def test_what_came_back_is_asked_of_dispatch_once(
    web: FlaskClient, key: dict[str, str], small_database: Database
) -> None:
    delivery = bounced(small_database)

    first, second = ask(web, key, delivery), ask(web, key, delivery, why="as I said")

    [wish] = given(small_database)
    assert (first.status_code, second.status_code) == (202, 202)
    assert first.json == second.json
    assert first.json == {
        "command": str(wish.id),
        "delivery": str(delivery),
        "asked_at": "2021-12-10T12:00:00Z",
        "effect": None,
        "again_as": None,
    }
    assert (wish.verb, wish.delivery_id, wish.why) == ("resend", delivery, "it has moved")
    assert wish.given_by == f"client {CLIENT}"


def test_asking_again_tells_what_was_done_and_both_deliveries_say_so(
    web: FlaskClient, key: dict[str, str], small_database: Database
) -> None:
    delivery = bounced(small_database)
    ask(web, key, delivery)
    with small_database.begin() as connection:
        again = sent_again(connection, delivery)
        [wish] = connection.execute(select(commands)).all()
        done = {"command_id": wish.id, "effect": f"sent again as {again}", "obeyed_at": NOON}
        connection.execute(insert(obeyed_commands).values(done))

    told = ask(web, key, delivery).json
    one, other = (web.get(f"/v1/deliveries/{id_}", headers=key).json for id_ in (delivery, again))
    listed = web.get("/v1/deliveries", headers=key).json

    assert told is not None
    assert (told["effect"], told["again_as"]) == (f"sent again as {again}", str(again))
    assert one is not None
    assert other is not None
    assert listed is not None
    assert (one["state"], one["again_as"], one["again_of"]) == ("bounced", str(again), None)
    assert (other["state"], other["again_as"], other["again_of"]) == (
        "planned",
        None,
        str(delivery),
    )
    assert one["actions"] == other["actions"] != []
    assert [each["again_as"] for each in listed["data"]] == [str(again), None]


def test_where_nothing_could_be_done_it_is_asked_anew(
    web: FlaskClient, key: dict[str, str], small_database: Database
) -> None:
    delivery = bounced(small_database)
    ask(web, key, delivery)
    with small_database.begin() as connection:
        first = connection.scalar(select(commands.c.id))
        done = {"command_id": first, "effect": "no effect", "obeyed_at": NOON}
        connection.execute(insert(obeyed_commands).values(done))

    told = [ask(web, key, delivery).json for _ in range(2)]

    [_, second] = given(small_database)
    assert [one and (one["command"], one["effect"]) for one in told] == [(str(second.id), None)] * 2


@pytest.mark.parametrize(
    ("changes", "word", "code", "said"),
    [
        ({}, EventWord.DELIVERED, "not_come_back", "It was delivered. That was on 10 Dec"),
        ({}, EventWord.SENT_PROOF, "not_come_back", "has not said that it came back"),
        ({"state": "unknown"}, EventWord.BOUNCED, "not_settled", "when that is settled"),
        ({"carrier": "notice"}, EventWord.BOUNCED, "is_a_notice", "asked the supporter"),
    ],
)
def test_what_stands_against_it_is_said(
    web: FlaskClient,
    key: dict[str, str],
    small_database: Database,
    changes: dict[str, Any],
    word: EventWord,
    code: str,
    said: str,
) -> None:
    delivery = bounced(small_database, word, **changes)

    answer = ask(web, key, delivery)

    assert answer.json is not None
    assert (answer.status_code, answer.json["code"]) == (409, code)
    assert said in answer.json["detail"]
    assert given(small_database) == []


def test_what_carries_others_actions_too_is_not_a_clients_to_decide(
    web: FlaskClient, key: dict[str, str], small_database: Database
) -> None:
    digest = bounced(small_database, carrier="digest")
    with small_database.begin() as connection:
        theirs = an_action(connection, client_id=new_id())
        rests = {"action_id": theirs, "recipient": "the-office", "delivery_id": digest}
        connection.execute(insert(carriages).values(rests))

    answer = ask(web, key, digest)

    assert answer.json is not None
    assert (answer.status_code, answer.json["code"]) == (409, "others_too")


def test_a_key_that_does_not_work_for_its_campaign_finds_nothing(
    web: FlaskClient, small_database: Database
) -> None:
    key = {"Authorization": f"Bearer {a_key(small_database, campaigns=['another'])}"}

    answer = ask(web, key, bounced(small_database))

    assert answer.status_code == 404
    assert given(small_database) == []


def test_what_is_not_theirs_is_not_found(
    web: FlaskClient, key: dict[str, str], small_database: Database
) -> None:
    with small_database.begin() as connection:
        theirs = a_delivery(connection, of=an_action(connection, client_id=new_id()))

    answers = [ask(web, key, theirs), ask(web, key, new_id())]

    assert [answer.status_code for answer in answers] == [404, 404]


@pytest.mark.parametrize("why", ["", "a\nb", "x" * 501])
def test_a_reason_is_asked_for(
    web: FlaskClient, key: dict[str, str], small_database: Database, why: str
) -> None:
    answer = ask(web, key, bounced(small_database), why=why)

    assert answer.status_code == 422
    assert given(small_database) == []


def test_a_key_that_may_only_read_may_not_ask(web: FlaskClient, small_database: Database) -> None:
    key = {"Authorization": f"Bearer {a_key(small_database, scopes=[Scope.READ.value])}"}

    assert ask(web, key, bounced(small_database)).status_code == 403
