"""The print vendor: what it takes, what it remembers, and the receipts it signs."""

import hmac
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from services.sandbox.fates import ARRIVES, email_steps, letter_steps
from tests.sandbox.world import (
    API_KEY,
    SECRET,
    SETTINGS,
    Listener,
    World,
    a_pdf,
    a_world,
    an_order,
)

MINISTER = ["The Minister", "1 Main Street"]


def test_an_order_is_accepted_with_its_price(world: World) -> None:
    answer = world.order("key-1")

    order = answer.json()
    assert answer.status == 201
    assert order["status"] == "accepted"
    assert (order["reference"], order["pages"]) == ("delivery-1", 2)
    assert order["price"] == {"amount_minor": 142, "currency": "EUR"}


@pytest.mark.parametrize(
    ("changes", "amount"),
    [({"duplex": False}, 142 + 11), ({"colour": True}, 142 + 2 * 8)],
)
def test_sheets_and_colour_cost_more(world: World, changes: dict[str, Any], amount: int) -> None:
    order = world.order("key-1", **changes).json()

    assert order["price"]["amount_minor"] == amount


def test_the_same_key_and_order_give_the_same_order_again(world: World) -> None:
    first = world.order("key-1")
    again = world.order("key-1")

    assert "Idempotent-Replayed" not in first.headers
    assert again.status == 201
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.json()["id"] == first.json()["id"]
    assert world.counts()["letters"] == 1


def test_the_same_key_with_another_order_is_a_conflict(world: World) -> None:
    world.order("key-1")

    answer = world.order("key-1", colour=True)

    assert (answer.status, answer.json()["code"]) == (409, "key_reused")
    assert world.counts()["letters"] == 1


def test_a_key_is_forgotten_after_its_life(tmp_path: Path, listener: Listener) -> None:
    with a_world(tmp_path, listener.url, idempotency_life_s=0.05) as world:
        world.order("key-1")
        time.sleep(0.1)

        world.order("key-1")

        assert world.counts()["letters"] == world.counts()["letters_by_delivery_max"] == 2


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"pdf": b"no pdf"}, "pdf_not_a_pdf"),
        ({"pdf": b"%PDF-1.7 torn"}, "pdf_unreadable"),
        ({"pdf_base64": "§"}, "pdf_not_base64"),
        ({"sha256": "0" * 64}, "sha256_mismatch"),
        ({"pages": 3}, "pages_mismatch"),
        ({"format": "A5"}, "order_invalid"),
        ({"address": {"lines": [], "country": "NO"}}, "order_invalid"),
        ({"address": {"lines": MINISTER, "country": "Norway"}}, "order_invalid"),
    ],
)
def test_an_order_that_cannot_be_printed_is_refused_with_its_code(
    untouched: World, changes: dict[str, Any], code: str
) -> None:
    answer = untouched.order("key-1", **changes)

    assert (answer.status, answer.json()["code"]) == (422, code)
    assert untouched.counts()["letters"] == 0


def test_an_order_needs_a_key(untouched: World) -> None:
    headers = {"Authorization": f"Bearer {API_KEY}"}

    answer = untouched.http.request(
        "POST", f"{untouched.url}/print/v1/orders", json=an_order(), headers=headers
    )

    assert (answer.status, answer.json()["code"]) == (400, "key_missing")


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_caller_without_the_api_key_learns_nothing(untouched: World, method: str) -> None:
    headers = {"Authorization": "Bearer wrong", "Idempotency-Key": "key-1"}

    answer = untouched.http.request(
        method, f"{untouched.url}/print/v1/orders?reference=delivery-1", headers=headers
    )

    assert answer.status == 401


def test_an_order_is_found_by_its_id_and_by_our_reference(world: World) -> None:
    order_id = world.order("key-1").json()["id"]
    authorization = {"Authorization": f"Bearer {API_KEY}"}

    one = world.call("GET", f"/print/v1/orders/{order_id}", **authorization)
    found = world.call("GET", "/print/v1/orders?reference=delivery-1", **authorization)
    none = world.call("GET", "/print/v1/orders?reference=delivery-2", **authorization)

    assert one["id"] == order_id
    assert [order["id"] for order in found["orders"]] == [order_id]
    assert none == {"orders": []}


@pytest.mark.parametrize(
    ("line", "types", "reason"),
    [
        ("1 Main Street", ["accepted", "printed", "posted", "delivered"], None),
        ("RETURNED Street", ["accepted", "printed", "posted", "returned"], "addressee_unknown"),
        ("REJECTED Street", ["accepted", "rejected"], "address_unusable"),
    ],
)
def test_a_line_of_the_address_decides_what_becomes_of_the_letter(
    world: World, listener: Listener, line: str, types: list[str], reason: str | None
) -> None:
    order = world.order("key-1", address={"lines": ["The Minister", line], "country": "NO"}).json()

    events = [got.envelope for got in listener.wait_for(len(types))]

    assert sorted(event["type"] for event in events) == sorted(f"order.{one}" for one in types)
    assert {event["order_id"] for event in events} == {order["id"]}
    assert {event["reference"] for event in events} == {"delivery-1"}
    assert max(events, key=lambda event: str(event["occurred_at"])).get("reason") == reason
    shown = world.call("GET", f"/print/v1/orders/{order['id']}", Authorization=f"Bearer {API_KEY}")
    assert shown["status"] == types[-1]


def test_a_receipt_is_signed_over_its_time_and_body(world: World, listener: Listener) -> None:
    world.order("key-1")

    got = listener.wait_for(4)[0]

    assert got.path == "/v1/receipts/print_vendor"
    parts = dict(part.split("=") for part in got.headers["Writ-Print-Signature"].split(","))
    signed = parts["t"].encode() + b"." + got.body
    assert parts["v1"] == hmac.new(SECRET.encode(), signed, "sha256").hexdigest()
    assert abs(time.time() - int(parts["t"])) < 60


def test_the_truth_shows_the_pages_and_the_address_that_were_ordered(world: World) -> None:
    world.order("key-1", pdf=a_pdf(4), pages=4)

    (order,) = world.call("GET", "/sandbox/orders")["orders"]

    assert (order["reference"], order["pages"], order["copies"]) == ("delivery-1", 4, 1)
    assert order["address"]["lines"] == MINISTER


def test_lifelike_fates_come_in_small_shares_and_stay_the_same() -> None:
    settings = replace(SETTINGS, lifelike=True)
    ids = [f"delivery-{number}" for number in range(10_000)]

    emails = [email_steps("office@ministry.example", one, settings) for one in ids]
    letters = [letter_steps(MINISTER, one, settings) for one in ids]

    assert 300 < sum(len(steps) > 1 or steps[0] != "delivery" for steps in emails) < 500
    assert 50 < sum(steps != ARRIVES for steps in letters) < 150
    assert emails == [email_steps("office@ministry.example", one, settings) for one in ids]
