"""Pingen as Writ speaks it: what it takes, what it finds wrong later, and the webhooks it signs."""

import hmac
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from services.sandbox import pingen
from services.sandbox.pingen_letter import EVENTS
from services.sandbox.pingen_paper import issue, look_at, price
from tests.sandbox.pingen_world import LETTERS, MINISTER, PingenWorld, a_letter_pdf, a_pingen
from tests.sandbox.world import SECRET, Listener

SLOW = (60.0, 60.0)  # nothing happens while a test runs


@pytest.fixture
def world(tmp_path: Path, listener: Listener) -> Iterator[PingenWorld]:
    with a_pingen(tmp_path, listener.url) as world:
        yield world


@pytest.fixture
def slow(tmp_path: Path) -> Iterator[PingenWorld]:
    with a_pingen(tmp_path, receipt_delay_s=SLOW) as world:
        yield world


def test_a_letter_is_taken_before_it_is_looked_at(slow: PingenWorld) -> None:
    answer = slow.create()

    letter = answer.json()["data"]
    assert answer.status == 201
    assert letter["type"] == "letters"
    assert letter["attributes"]["status"] == "validating"
    assert letter["attributes"]["file_original_name"] == "delivery-1.pdf"
    assert letter["attributes"]["price_value"] is None
    assert slow.kept() == 1


def test_address_and_price_are_known_once_it_was_validated(world: PingenWorld) -> None:
    letter_id = world.create().json()["data"]["id"]

    shown = world.wait_for(letter_id, "sent")

    assert shown["address"] == "\n".join(MINISTER)
    assert (shown["country"], shown["file_pages"]) == ("CH", 2)
    assert (shown["price_currency"], shown["price_value"]) == ("CHF", 1.63)


def test_sheets_colour_and_haste_cost_more() -> None:
    cheap = price(2, duplex=True, colour=False, product="cheap")

    assert price(2, duplex=False, colour=False, product="cheap") == cheap + 12
    assert price(2, duplex=True, colour=True, product="cheap") == cheap + 40
    assert price(2, duplex=True, colour=False, product="fast") == cheap + 60


def test_the_same_key_and_letter_give_the_same_letter_again(slow: PingenWorld) -> None:
    first = slow.create()
    again = slow.create()

    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.json()["data"]["id"] == first.json()["data"]["id"]
    assert slow.kept() == 1


def test_the_same_key_with_another_file_is_a_conflict(slow: PingenWorld) -> None:
    slow.create()

    answer = slow.create(pdf=a_letter_pdf(pages=4))

    assert (answer.status, slow.kept()) == (409, 1)


@pytest.mark.parametrize(
    "changes",
    [
        {"file_url_signature": "forged"},
        {"delivery_product": "registered"},
        {"file_original_name": "a"},
        {"meta_data": {"reference": "delivery-1"}},
    ],
)
def test_what_is_asked_wrongly_is_refused_at_once(
    slow: PingenWorld, changes: dict[str, Any]
) -> None:
    answer = slow.create(**changes)

    assert answer.status == 422
    assert answer.json()["errors"][0]["code"] in {"validation_failed", "file_not_found"}
    assert slow.kept() == 0


def test_a_key_has_at_most_64_characters(slow: PingenWorld) -> None:
    assert slow.create("k" * 65).status == slow.create("").status == 422


@pytest.mark.parametrize("authorization", ["", "Bearer ", "Bearer another"])
def test_without_a_token_nothing_is_learned(slow: PingenWorld, authorization: str) -> None:
    for method, path in [("GET", "/file-upload"), ("GET", LETTERS), ("POST", LETTERS)]:
        assert slow.call(method, path, Authorization=authorization).status == 401


def test_a_token_ends(tmp_path: Path) -> None:
    with a_pingen(tmp_path) as world:
        token = world.token()
        world.desk.tokens[token] -= world.desk.token_life_s + 1

        assert world.call("GET", LETTERS, Authorization=f"Bearer {token}").status == 401


def test_a_wrong_secret_gets_no_token(slow: PingenWorld) -> None:
    asked = {"grant_type": "client_credentials", "client_id": "us", "client_secret": "a guess"}

    answer = slow.http.request("POST", f"{slow.url}/auth/access-tokens", fields=asked)

    assert (answer.status, answer.json()) == (401, {"error": "invalid_client"})


def test_letters_are_listed_by_the_name_of_their_file(slow: PingenWorld) -> None:
    letter_id = slow.create().json()["data"]["id"]

    def listed(wanted: str) -> list[str]:
        answer = slow.call("GET", f"{LETTERS}?filter={wanted}")
        return [one["id"] for one in answer.json()["data"]]

    assert listed('{"file_original_name":"delivery-1.pdf"}') == [letter_id]
    assert listed('{"file_original_name":"delivery-2.pdf"}') == []
    assert slow.call("GET", f'{LETTERS}?filter={{"colour":"red"}}').status == 422


class TestPaper:
    def found(self, pdf: bytes) -> str | None:
        return issue(look_at(pdf))

    def test_a_good_letter_shows_its_address_in_the_window(self) -> None:
        paper = look_at(a_letter_pdf())

        assert issue(paper) is None
        assert (paper.address, paper.country, paper.pages) == (MINISTER, "CH", 2)

    @pytest.mark.parametrize(
        ("pdf", "code"),
        [
            (b"no pdf", "invalid_pdf_binary_content"),
            (a_letter_pdf(size=(215.9, 279.4)), "file_not_a4_portrait"),
            (a_letter_pdf(size=(297, 210)), "file_not_a4_portrait"),
            (a_letter_pdf(pages=121), "file_too_many_pages"),
            (a_letter_pdf(("The Mayor", "NETHERLANDS"), pages=15), "file_too_many_pages"),
            (a_letter_pdf(("The Mayor", "GERMANY"), pages=121), None),
            (a_letter_pdf(x=120), "content_failed_inspection"),  # beside the window
            (a_letter_pdf(y=50), "content_failed_inspection"),  # where the postage goes
        ],
    )
    def test_what_is_wrong_has_the_code_of_its_event(self, pdf: bytes, code: str | None) -> None:
        assert self.found(pdf) == code

    def test_a_file_of_more_than_8_mb_is_too_large(self) -> None:
        paper = look_at(a_letter_pdf()).model_copy(update={"size": 8_000_001})

        assert issue(paper) == "file_size_over_limit"


class TestWebhooks:
    def told(
        self, world: PingenWorld, listener: Listener, number: int, **changes: Any
    ) -> list[dict[str, Any]]:
        self.letter_id = world.create(**changes).json()["data"]["id"]
        got = [one.envelope for one in listener.wait_for(number)]
        return sorted(got, key=lambda one: str(one["data"]["attributes"]["created_at"]))

    def test_a_cheap_letter_is_told_of_when_it_goes_to_the_post(
        self, world: PingenWorld, listener: Listener
    ) -> None:
        (told,) = self.told(world, listener, 1)

        included = {one["type"]: one for one in told["included"]}
        assert told["data"]["type"] == "webhook_sent"
        assert included["letters"]["id"] == self.letter_id
        assert included["letters"]["attributes"]["file_original_name"] == "delivery-1.pdf"
        assert included["letters"]["attributes"]["price_value"] == 1.63
        for kind in ("deliverables_events", "letters_events"):
            assert included[kind]["attributes"]["code"] == "transferred_to_distributor"

    def test_a_tracked_one_also_when_it_arrives(
        self, world: PingenWorld, listener: Listener
    ) -> None:
        told = self.told(world, listener, 2, delivery_product="premium")

        assert [one["data"]["type"] for one in told] == ["webhook_sent", "webhook_delivered"]

    def test_one_that_comes_back_says_why(self, world: PingenWorld, listener: Listener) -> None:
        told = self.told(world, listener, 2, pdf=a_letter_pdf(("RETURNED Road", "CHILE")))

        assert told[-1]["data"]["type"] == "webhook_undeliverable"
        assert told[-1]["data"]["attributes"]["reason"] == "Undeliverable"

    @pytest.mark.parametrize(
        ("pdf", "status"),
        [
            (a_letter_pdf(("REJECTED Road", "CHILE")), "rejected"),
            (a_letter_pdf(x=120), "action_required"),
            (b"no pdf", "invalid"),
        ],
    )
    def test_bad_paper_is_an_issue(
        self, world: PingenWorld, listener: Listener, pdf: bytes, status: str
    ) -> None:
        (told,) = self.told(world, listener, 1, pdf=pdf)

        assert told["data"]["type"] == "webhook_issues"
        assert world.wait_for(self.letter_id, status)["status"] == status

    def test_a_draft_is_never_sent(self, world: PingenWorld, listener: Listener) -> None:
        self.told(world, listener, 0, auto_send=False)

        assert world.wait_for(self.letter_id, "valid")["price_value"] == 1.63

    def test_the_signature_is_of_the_body_alone(
        self, world: PingenWorld, listener: Listener
    ) -> None:
        self.told(world, listener, 1)

        (got,) = listener.got
        assert got.path == "/v1/receipts/pingen"
        assert got.headers["Signature"] == hmac.new(SECRET.encode(), got.body, "sha256").hexdigest()

    def test_every_issue_has_its_words(self) -> None:
        assert {category for category, _ in EVENTS.values()} == {
            *("sent", "delivered", "undeliverable", "issues")
        }


class TestCancel:
    def cancel(self, world: PingenWorld, letter_id: str) -> int:
        return world.call("PATCH", f"{LETTERS}/{letter_id}/cancel").status

    def test_before_it_is_printed_a_letter_can_be_cancelled(self, slow: PingenWorld) -> None:
        letter_id = slow.create().json()["data"]["id"]

        assert self.cancel(slow, letter_id) == 202

        assert slow.shown(letter_id)["status"] == "cancelled"
        with slow.store.reading() as db:
            assert db.execute("SELECT count(*) FROM receipts").fetchone() == (0,)

    def test_then_it_is_too_late(self, world: PingenWorld) -> None:
        letter_id = world.create().json()["data"]["id"]
        world.wait_for(letter_id, "sent")

        assert self.cancel(world, letter_id) == 409
        assert self.cancel(world, "another") == 404


@pytest.mark.parametrize("kind", pingen.REFUSALS)
def test_refusals_on_demand_speak_json_api_and_take_nothing(slow: PingenWorld, kind: str) -> None:
    status, code, _ = pingen.REFUSALS[kind]
    slow.goes_wrong(pingen=[{"kind": kind, "next": 1}])

    answer = slow.create()

    assert (answer.status, answer.json()["errors"][0]["code"]) == (status, code)
    assert answer.headers["Content-Type"] == "application/vnd.api+json"
    assert slow.kept() == 0
