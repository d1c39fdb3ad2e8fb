"""Through HTTP, as providers and campaign tools come."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from openapi_spec_validator import validate
from sqlalchemy import func, insert, select
from werkzeug.test import TestResponse

from services.tracking.app import create_app
from services.tracking.commands import Command, give
from services.tracking.words import ShownState
from shared.catalogue import Channel
from shared.clock import new_id
from shared.database import Database
from shared.tables.dispatch import obeyed_commands, print_orders
from shared.tables.intake import catalogue_entries, pack_loads
from shared.tables.tracking import Verb, events, receipts
from tests.tracking.builders import (
    CLIENT,
    NOON,
    TOPIC,
    a_delivery,
    a_fact,
    a_key,
    an_action,
    an_attempt,
    minutes,
    noon,
    some_settings,
)
from tests.tracking.receipts.signing import a_certificate, an_envelope, payload
from tests.tracking.receipts.test_print_vendor import signature
from tests.tracking.test_record import a_receipt, take

VENDOR_SECRET = "sandbox-secret"
THE_OFFICE = {
    "slug": "the-office",
    "kind": "authority",
    "office": "Ministry of Justice",
    "country": "NL",
    "languages": ["en"],
    "time_zone": "Europe/Amsterdam",
    "source": "invented",
}
THE_CAMPAIGN = {
    "slug": "write-for-rights-2021",
    "name": "Write for Rights 2021",
    "organiser": "Friends of Letters",
    "opens": "2021-11-19",
    "sender": {"name": "W", "email": "w@send.example", "postal": "1 Road", "place": "Town"},
    "source": "invented",
}


def load(database: Database, **entries: dict[str, Any]) -> None:
    """Puts entries into the catalogue, by type."""
    with database.begin() as connection:
        load_row = {"version": 1, "pack": "p", "digest": "d", "changes": [], "loaded_at": NOON}
        connection.execute(insert(pack_loads).values(load_row))
        for type_, document in entries.items():
            row = {"type": type_, "key": document["slug"], "version": 1, "document": document}
            more = {"pack": "p", "digest": "d", "current": True}
            connection.execute(insert(catalogue_entries).values(row | more))


@pytest.fixture
def web(tmp_path: Path, small_database: Database) -> Iterator[FlaskClient]:
    (tmp_path / "sandbox-sns.pem").write_bytes(a_certificate())
    load(small_database, recipient=THE_OFFICE, campaign=THE_CAMPAIGN)
    app = create_app(some_settings(tmp_path), small_database, noon)
    with app.test_client() as client:
        yield client


@pytest.fixture
def key(small_database: Database) -> dict[str, str]:
    return {"Authorization": f"Bearer {a_key(small_database)}"}


def post(web: FlaskClient, body: bytes) -> TestResponse:
    return web.post("/v1/receipts/ses", data=body, content_type="text/plain; charset=UTF-8")


def count(database: Database, table: Any) -> int:
    with database.read() as connection:
        return connection.scalar(select(func.count()).select_from(table)) or 0


def test_a_receipt_from_ses_is_recorded_once(web: FlaskClient, small_database: Database) -> None:
    body = an_envelope(payload("ses/delivery.json"))

    first, second = post(web, body), post(web, body)

    assert (first.status_code, first.json) == (200, {"recorded": "fact"})
    assert (second.status_code, second.json) == (200, {"recorded": "repeated"})
    assert count(small_database, events) == 1


def test_a_receipt_from_the_print_vendor_is_recorded(web: FlaskClient) -> None:
    body = payload("print_vendor/posted.json").encode()
    signed = {"Writ-Print-Signature": signature(body, secret=VENDOR_SECRET)}

    answer = web.post("/v1/receipts/print_vendor", data=body, headers=signed)

    assert (answer.status_code, answer.json) == (200, {"recorded": "fact"})


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"no JSON", 400, "receipt_unreadable"),
        (an_envelope(TopicArn=f"{TOPIC}-2"), 403, "receipt_untrusted"),
        (an_envelope().replace(b"Timestamp", b"timestamp"), 400, "receipt_unreadable"),
        (an_envelope().replace(b"2021-12-10", b"2021-12-11"), 403, "receipt_untrusted"),
        (b"x" * 600_000, 413, "body_too_large"),
    ],
)
def test_a_receipt_that_is_not_taken_stores_nothing(
    web: FlaskClient, small_database: Database, body: bytes, status: int, code: str
) -> None:
    answer = post(web, body)

    assert answer.json is not None
    assert (answer.status_code, answer.json["code"]) == (status, code)
    assert count(small_database, receipts) == 0


def test_without_a_certificate_the_provider_is_asked_to_send_again(
    web: FlaskClient, tmp_path: Path
) -> None:
    (tmp_path / "sandbox-sns.pem").unlink()

    answer = post(web, an_envelope())

    assert answer.status_code == 503


def test_that_an_email_was_opened_is_not_recorded_where_nobody_asked(
    web: FlaskClient, small_database: Database
) -> None:
    answer = post(web, an_envelope(payload("ses/open.json")))

    assert (answer.status_code, answer.json) == (200, {"recorded": None})
    assert count(small_database, receipts) == 0


def test_an_unknown_provider_has_no_door(web: FlaskClient) -> None:
    assert web.post("/v1/receipts/pigeon", data=b"{}").status_code == 404


def test_a_delivery_says_where_it_stands(
    web: FlaskClient, key: dict[str, str], small_database: Database
) -> None:
    with small_database.begin() as connection:
        action = an_action(connection)
        delivery = a_delivery(connection, of=action)
        an_attempt(connection, delivery)

    answer = web.get(f"/v1/deliveries/{delivery}", headers=key)

    assert answer.status_code == 200
    assert answer.json is not None
    said = answer.json
    assert (said["state"], said["attempts"], said["provider"]) == ("handed_over", 1, "ses")
    assert said["recipient"] == {"slug": "the-office", "office": "Ministry of Justice"}
    assert [(one["number"], one["state"]) for one in said["tried"]] == [(1, "sent")]
    assert said["actions"] == [str(action)]
    assert "office@recipient.example" not in answer.text


def test_nobody_is_told_whom_a_solidarity_message_is_handed_to(
    web: FlaskClient, key: dict[str, str], small_database: Database
) -> None:
    with small_database.begin() as connection:
        delivery = a_delivery(connection, kind="solidarity")

    one, many = (web.get(f"/v1/deliveries{of}", headers=key) for of in (f"/{delivery}", ""))

    assert one.json is not None
    assert many.json is not None
    for said in (one.json, many.json["data"][0]):
        assert said["recipient"] == {"slug": "the-office", "office": None}


def test_what_is_written_for_ops_is_not_told_to_clients(
    web: FlaskClient, key: dict[str, str], small_database: Database
) -> None:
    with small_database.begin() as connection:
        action = an_action(connection)
        reason = "the family moved to 1 Hidden Road"
        delivery = a_delivery(connection, of=action, state="due", held_reason=reason)
        an_attempt(connection, delivery, state="not_sent", detail="mx7.inside.example said 451")
        wish = Command(
            verb=Verb.RELEASE, delivery_id=delivery, given_by="console/Ada", why="Mr Example rang"
        )
        give(connection, wish, NOON)
    take(small_database, a_receipt(delivery, a_fact(detail="250 OK mx7.inside.example")))
    paths = (f"/v1/deliveries/{delivery}", "/v1/deliveries", f"/v1/actions/{action}/timeline")

    answers = [web.get(path, headers=key) for path in paths]

    assert [answer.status_code for answer in answers] == [200] * 3
    words = ("Hidden", "inside.example", "Mr Example", "Ada")
    assert not [word for word in words for answer in answers if word in answer.text]


def test_a_receipt_changes_what_is_said(
    web: FlaskClient, key: dict[str, str], small_database: Database
) -> None:
    delivery = UUID("0190d3a0-1111-7222-8333-444455556666")
    with small_database.begin() as connection:
        a_delivery(connection, id=delivery)
    post(web, an_envelope(payload("ses/bounce_permanent.json")))

    answer = web.get(f"/v1/deliveries/{delivery}", headers=key)

    assert answer.json is not None
    assert (answer.json["state"], answer.json["reason"]) == ("bounced", "hard")
    assert answer.json["since"] == "2021-12-10T12:00:05.250000Z"


def test_a_client_sees_only_what_carries_its_own_actions(
    web: FlaskClient, key: dict[str, str], small_database: Database
) -> None:
    with small_database.begin() as connection:
        theirs = an_action(connection, client_id=new_id())
        delivery = a_delivery(connection, of=theirs)

    answers = [
        web.get(f"/v1/deliveries/{delivery}", headers=key),
        web.get(f"/v1/actions/{theirs}/timeline", headers=key),
        web.get("/v1/deliveries", headers=key),
    ]

    assert [answer.status_code for answer in answers] == [404, 404, 200]
    assert answers[2].json == {"data": [], "next": None}


def test_deliveries_are_listed_by_state_case_and_channel(
    web: FlaskClient, key: dict[str, str], small_database: Database
) -> None:
    with small_database.begin() as connection:
        held = a_delivery(connection, state="due", held_reason="no mailbox")
        a_delivery(connection, state="due")
        letter = a_delivery(connection, channel="letter", case="ciham-ali")

    by_state = web.get("/v1/deliveries?state=held", headers=key)
    by_case = web.get("/v1/deliveries?case=ciham-ali&channel=letter", headers=key)

    assert by_state.json is not None
    assert by_case.json is not None
    assert [one["id"] for one in by_state.json["data"]] == [str(held)]
    assert by_state.json["data"][0]["state"] == "held"
    assert [one["id"] for one in by_case.json["data"]] == [str(letter)]


def test_a_long_list_is_read_page_by_page(
    web: FlaskClient, key: dict[str, str], small_database: Database
) -> None:
    with small_database.begin() as connection:
        made = [str(a_delivery(connection)) for _ in range(5)]
    seen: list[str] = []
    cursor = ""

    while True:
        answer = web.get(f"/v1/deliveries?limit=2{cursor}", headers=key)
        assert answer.json is not None
        seen += [one["id"] for one in answer.json["data"]]
        if answer.json["next"] is None:
            break
        cursor = f"&cursor={answer.json['next']}"

    assert seen == made


@pytest.mark.parametrize(
    "query", ["state=lost", "cursor=!", "limit=0", "colour=red", "channel=fax", "case=%00"]
)
def test_a_wrong_question_is_named(web: FlaskClient, key: dict[str, str], query: str) -> None:
    answer = web.get(f"/v1/deliveries?{query}", headers=key)

    assert answer.status_code == 422
    assert answer.json is not None
    assert answer.json["errors"][0]["pointer"] == f"?{query.partition('=')[0]}"


def test_a_timeline_tells_everything_in_order(
    web: FlaskClient, key: dict[str, str], small_database: Database
) -> None:
    delivery = UUID("0190d3a0-1111-7222-8333-444455556666")
    with small_database.begin() as connection:
        action = an_action(connection, channel="letter")
        a_delivery(connection, id=delivery, of=action, channel="letter", provider="print_vendor")
        an_attempt(connection, delivery, provider="print_vendor")
        order = {"id": new_id(), "delivery_id": delivery, "vendor": "print_vendor", "pages": 2}
        price = {"vendor_order_id": "ord_1", "price_minor": 104, "currency": "EUR"}
        connection.execute(
            insert(print_orders).values(**order, **price, ordered_at=NOON - minutes(57))
        )
        command = Command(
            verb=Verb.CANCEL, delivery_id=delivery, given_by="console", why="too late"
        )
        give(connection, command, NOON + minutes(5))
        connection.execute(
            insert(obeyed_commands).values(
                command_id=command.id, effect="no effect", obeyed_at=NOON + minutes(6)
            )
        )
    body = payload("print_vendor/posted.json").encode()
    signed = {"Writ-Print-Signature": signature(body, secret=VENDOR_SECRET)}
    web.post("/v1/receipts/print_vendor", data=body, headers=signed)

    answer = web.get(f"/v1/actions/{action}/timeline", headers=key)

    assert answer.json is not None
    moments = answer.json["moments"]
    words = [one["word"] for one in moments]
    assert words == ["accepted", "planned", "attempt_sent", "ordered", "posted", "command_cancel"]
    assert [one["source"] for one in moments[2:5]] == ["dispatch", "dispatch", "print_vendor"]
    assert moments[3]["says"] == "Print order ord_1 at the print vendor: 2 pages, 1.04 EUR."
    assert moments[5]["says"] == "Asked of dispatch: cancel. Effect: no effect."
    assert moments == sorted(moments, key=lambda one: str(one["at"]))


def test_a_campaign_is_counted_by_case_and_channel(
    web: FlaskClient, key: dict[str, str], small_database: Database
) -> None:
    with small_database.begin() as connection:
        for state in ("handed_over", "handed_over", "due"):
            a_delivery(connection, state=state)
        a_delivery(connection, channel="letter", state="unknown")
        a_delivery(connection, mode="test")

    answer = web.get("/v1/campaigns/write-for-rights-2021/tally", headers=key)

    assert answer.json is not None
    assert answer.json["mode"] == "live"
    assert answer.json["cases"] == [
        {
            "case": "zhang-zhan",
            "kind": "appeal",
            "channel": "email",
            "actions": 3,
            "apart": {},
            "deliveries": {"handed_over": 2, "planned": 1},
        },
        {
            "case": "zhang-zhan",
            "kind": "appeal",
            "channel": "letter",
            "actions": 1,
            "apart": {},
            "deliveries": {"unknown": 1},
        },
    ]


def test_an_unknown_campaign_is_not_found(web: FlaskClient, key: dict[str, str]) -> None:
    assert web.get("/v1/campaigns/nothing/tally", headers=key).status_code == 404


@pytest.mark.parametrize(
    "path", ["/v1/deliveries", f"/v1/deliveries/{CLIENT}", f"/v1/actions/{CLIENT}/timeline"]
)
def test_nobody_looks_without_a_key(web: FlaskClient, path: str) -> None:
    assert web.get(path).status_code == 401


def test_the_api_describes_itself(web: FlaskClient) -> None:
    document = web.get("/openapi.json").json

    assert document is not None
    validate(document)
    listed = document["paths"]["/v1/deliveries"]["get"]["parameters"]
    by_channel = next(one["schema"] for one in listed if one["name"] == "channel")
    assert by_channel == {"$ref": "#/components/schemas/Channel"}
    assert document["components"]["schemas"]["Channel"]["enum"] == [one.value for one in Channel]
    states = document["components"]["schemas"]["ShownState"]["enum"]
    assert states == [state.value for state in ShownState]


def test_it_is_ready_when_the_tables_are_there(web: FlaskClient) -> None:
    assert web.get("/readyz").json == {"status": "ok"}
