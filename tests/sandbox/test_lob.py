"""Lob in the sandbox: it speaks as Lob's document does, remembers, and signs its events."""

import hmac
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import urllib3

from services.sandbox import lob
from services.sandbox.lob_mail import NOT_TAKEN, SENDER
from tests import lob_document
from tests.sandbox.lob_world import CARD, LobWorld, a_lob, pages
from tests.sandbox.world import API_KEY, SECRET, Listener

KEY = urllib3.make_headers(basic_auth=f"{API_KEY}:")
OFFICE = {
    "name": "The Minister",
    "address_line1": "1 Main Street",
    "address_city": "0001 Oslo",
    "address_country": "NO",
}
AT_HOME = OFFICE | {
    "address_city": "Reno",
    "address_state": "NV",
    "address_zip": "89501",
    "address_country": "US",
}
LETTER = {"color": "false", "use_type": "operational", "metadata[delivery_id]": "delivery-1"}
TWO_PAGES, A_SIDE = pages(2), pages(1, CARD)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[LobWorld]:
    with a_lob(tmp_path) as world:
        yield world


def call(
    world: LobWorld, method: str, path: str, fields: Any = None, **headers: str
) -> tuple[int, Any]:
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    answer = urllib3.request(
        method, world.url + path, fields=fields, headers=KEY | named, retries=False
    )
    return answer.status, answer.json()


def address(world: LobWorld, **changes: str) -> str:
    return str(call(world, "POST", "/addresses", OFFICE | changes)[1]["id"])


def a_file(content: bytes) -> tuple[str, bytes]:
    return "letter.pdf", content


def ordered(world: LobWorld, to: str = "", **changes: Any) -> tuple[int, Any]:
    key = changes.pop("key", "key-1")
    asked = {"to": to or address(world), "from": SENDER.id, "file": a_file(TWO_PAGES)}
    return call(world, "POST", "/letters", asked | LETTER | changes, Idempotency_Key=key)


def a_postcard(world: LobWorld, **changes: Any) -> tuple[int, Any]:
    asked = {
        "to": address(world),
        "from": SENDER.id,
        "use_type": "operational",
        "front": a_file(A_SIDE),
        "back": a_file(A_SIDE),
    }
    return call(world, "POST", "/postcards", asked | changes, Idempotency_Key="key-1")


@pytest.mark.parametrize("fields", [OFFICE, AT_HOME])
def test_an_address_is_shown_as_the_document_says(world: LobWorld, fields: dict[str, str]) -> None:
    status, shown = call(world, "POST", "/addresses", fields)

    assert status == 200
    assert lob_document.faults("address", shown) == []
    assert shown["address_city"] == fields["address_city"].upper()


def test_letters_and_postcards_are_shown_as_the_document_says(world: LobWorld) -> None:
    _, letter = ordered(world)
    _, card = a_postcard(world)

    assert lob_document.piece_faults("letter", letter) == []
    assert lob_document.piece_faults("postcard", card) == []
    assert letter["metadata"] == {"delivery_id": "delivery-1"}
    assert call(world, "GET", f"/letters/{letter['id']}")[1]["id"] == letter["id"]
    assert call(world, "GET", f"/postcards/{letter['id']}")[0] == 404


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"address_country": "PS"}, "invalid"),
        ({"address_country": "Norway"}, "invalid"),
        ({"address_country": "US"}, "invalid"),  # without state and ZIP
        ({"address_line1": ""}, "invalid"),
        ({"name": ""}, "invalid"),
        ({"name": "x" * 41}, "invalid"),
        ({"company": "x" * 41}, "invalid"),
    ],
)
def test_an_address_that_lob_does_not_take_gets_its_code(
    world: LobWorld, changes: dict[str, str], code: str
) -> None:
    status, shown = call(world, "POST", "/addresses", OFFICE | changes)

    assert (status, shown["error"]["code"]) == (422, code)
    assert lob_document.faults("error", shown) == []
    assert world.addresses() == 0


def test_the_countries_it_takes_are_those_of_the_document() -> None:
    taken = set(lob_document.schema("country_extended")["enum"])

    assert not NOT_TAKEN & taken


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"to": "adr_unknown"}, 404, "not_found"),
        ({"from": "adr_unknown"}, 404, "not_found"),
        ({"color": "blue"}, 422, "invalid"),
        ({"use_type": "spam"}, 422, "invalid"),
        ({"size": "us_letter"}, 422, "invalid"),  # without the Lob-Version that knows it
        ({"file": "<html>"}, 422, "invalid"),
        ({"file": a_file(b"torn")}, 422, "invalid_file"),
        ({"file": a_file(pages(13))}, 422, "file_pages_exceed_max"),
        ({"file": a_file(pages(1, (595, 842)))}, 422, "invalid_file_dimensions"),
        ({"file": a_file(b"x" * 5_000_001)}, 422, "file_size_exceeds_limit"),
        ({"key": "x" * 257}, 422, "invalid"),
    ],
)
def test_a_letter_that_lob_does_not_take_gets_its_code(
    world: LobWorld, changes: dict[str, Any], status: int, code: str
) -> None:
    answered, shown = ordered(world, **changes)

    assert (answered, shown["error"]["code"]) == (status, code)
    assert world.taken() == []


@pytest.mark.parametrize("changes", [{"size": "6x9"}, {"back": "none"}])
def test_a_postcard_has_two_sides_of_one_size(world: LobWorld, changes: dict[str, str]) -> None:
    assert a_postcard(world, **changes)[0] == 422


def test_at_home_a_letter_may_be_longer(world: LobWorld) -> None:
    status, _ = ordered(world, address(world, **AT_HOME), file=a_file(pages(13)))

    assert status == 200


def test_a_key_gives_the_first_letter_again_whatever_comes_with_it(world: LobWorld) -> None:
    first, again = ordered(world)[1], ordered(world, color="true")[1]

    assert (again["id"], again["color"]) == (first["id"], False)
    assert len(world.taken()) == 1


def test_a_key_counts_for_letters_and_postcards_apart(world: LobWorld) -> None:
    ordered(world)
    a_postcard(world)

    assert [piece.kind for piece in world.taken()] == ["letter", "postcard"]


def test_without_a_key_every_order_is_a_letter(world: LobWorld) -> None:
    ordered(world, key="")
    ordered(world, key="")

    assert len(world.taken()) == 2


def test_letters_are_listed_by_our_reference(world: LobWorld) -> None:
    first = ordered(world)[1]
    ordered(world, key="key-2", **{"metadata[delivery_id]": "delivery-2"})

    _, listed = call(world, "GET", "/letters", {"metadata[delivery_id]": "delivery-1"})

    assert [one["id"] for one in listed["data"]] == [first["id"]]
    assert lob_document.faults("list", listed) == []
    assert call(world, "GET", "/letters")[0] == 422
    assert (
        call(world, "GET", "/postcards", {"metadata[delivery_id]": "delivery-1"})[1]["data"] == []
    )


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/addresses"), ("POST", "/letters"), ("GET", "/letters"), ("DELETE", "/letters/x")],
)
def test_a_caller_without_the_key_learns_nothing(world: LobWorld, method: str, path: str) -> None:
    status, shown = call(
        world, method, path, Authorization=urllib3.make_headers(basic_auth="x:")["authorization"]
    )

    assert (status, shown["error"]["code"]) == (401, "invalid_api_key")


def test_a_fault_strikes_its_own_lane(world: LobWorld) -> None:
    to = address(world)
    world.goes_wrong("throttle")
    assert call(world, "POST", "/addresses", OFFICE)[0] == 200

    answer = urllib3.request(
        "POST", f"{world.url}/letters", fields=LETTER | {"to": to}, headers=KEY, retries=False
    )

    assert answer.status == 429
    assert answer.headers["ratelimit-remaining"] == "0"
    assert int(answer.headers["ratelimit-reset"]) <= time.time() + 1


@pytest.mark.parametrize("name", lob.REFUSALS)
def test_a_refusal_is_an_error_of_the_document(name: str) -> None:
    _, code, _ = lob.REFUSALS[name]

    codes = lob_document.schema("error")["properties"]["error"]["properties"]["code"]["enum"]
    assert code in codes


class TestEvents:
    @pytest.fixture
    def posting(self, tmp_path: Path, listener: Listener) -> Iterator[LobWorld]:
        with a_lob(tmp_path, listener.url) as world:
            yield world

    @pytest.mark.parametrize(
        ("fields", "last"),
        [
            ({}, ["international_exit"]),
            (AT_HOME, ["processed_for_delivery", "delivered"]),
            ({"address_line1": "RETURNED Street"}, ["returned_to_sender"]),
        ],
    )
    def test_the_address_decides_where_the_road_ends(
        self, posting: LobWorld, listener: Listener, fields: dict[str, str], last: list[str]
    ) -> None:
        _, letter = ordered(posting, address(posting, **fields))

        road = ["created", "rendered_pdf", "mailed", "in_transit", *last]
        events = sorted(
            (got.envelope for got in listener.wait_for(len(road))),
            key=lambda event: str(event["date_created"]),
        )
        assert [event["event_type"]["id"] for event in events] == [f"letter.{one}" for one in road]
        for event in events:
            assert lob_document.faults("events", event) == []
            assert lob_document.piece_faults("letter", event["body"]) == []
            assert event["reference_id"] == letter["id"]
            assert event["body"]["metadata"] == {"delivery_id": "delivery-1"}

    def test_a_letter_that_cannot_be_rendered_says_why(
        self, posting: LobWorld, listener: Listener
    ) -> None:
        ordered(posting, address(posting, address_line1="REJECTED Street"))

        bodies = [got.envelope["body"] for got in listener.wait_for(2)]
        assert sorted(body["status"] for body in bodies) == ["failed", "processed"]
        assert any("failure_reason" in body for body in bodies)

    def test_an_event_is_signed_over_its_time_in_ms_and_its_body(
        self, posting: LobWorld, listener: Listener
    ) -> None:
        a_postcard(posting)

        got = listener.wait_for(5)[0]
        stamp = got.headers["Lob-Signature-Timestamp"]
        signed = stamp.encode() + b"." + got.body
        assert got.path == "/v1/receipts/lob"
        assert (
            got.headers["Lob-Signature"] == hmac.new(SECRET.encode(), signed, "sha256").hexdigest()
        )
        assert abs(time.time() * 1000 - int(stamp)) < 60_000

    def test_what_is_cancelled_travels_no_further(self, tmp_path: Path, listener: Listener) -> None:
        slow = (3600.0, 3600.0)
        with a_lob(tmp_path, listener.url, receipt_delay_s=slow) as world:
            letter = ordered(world)[1]["id"]
            listener.wait_for(1)
            assert call(world, "DELETE", f"/letters/{letter}") == (
                200,
                {"id": letter, "deleted": True},
            )

            bodies = [got.envelope["body"] for got in listener.wait_for(2)]

        assert {"id": letter, "deleted": True} in bodies


def test_after_the_window_nothing_is_cancelled(tmp_path: Path) -> None:
    with a_lob(tmp_path, cancel_s=0) as world:
        letter = ordered(world)[1]["id"]
        time.sleep(0.01)

        status, shown = call(world, "DELETE", f"/letters/{letter}")

    assert (status, shown["error"]["code"]) == (422, "not_deletable")
