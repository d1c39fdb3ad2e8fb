"""What Pingen's answers prove, step by step.  It is asked in test_pingen_asking.py, and
takes letters in test_pingen_sandbox.py.
"""

import json
from dataclasses import dataclass, replace
from urllib.parse import parse_qs

import pytest

from services.dispatch.providers.capability import Format
from services.dispatch.providers.contract import (
    LaneHeld,
    LaneReason,
    Letter,
    NotSent,
    ProviderError,
    Refused,
    Taken,
    TryLater,
    Unclear,
)
from services.dispatch.providers.pingen import CAPABILITY, PREPARE_S, most_pages
from tests.dispatch.providers.line import (
    Answer,
    Line,
    answering,
    free_port,
    listening,
)
from tests.dispatch.providers.pingen import (
    ERROR,
    LETTERS,
    STORED,
    TOKEN,
    UNHEARD,
    a_letter,
    a_place,
    a_vendor,
    created,
    listed,
    shown,
    steps,
)


@dataclass
class Ended:
    result: Taken | ProviderError
    line: Line

    @property
    def made(self) -> list[str]:
        """The calls, by method and path."""
        return [one.split(b" HTTP")[0].decode() for one in self.line.requests]


def order(*answers: Answer, letter: Letter | None = None) -> Ended:
    with listening(steps(*answers)) as line:
        try:
            return Ended(a_vendor(line.url).order(letter or a_letter()), line)
        except ProviderError as error:
            return Ended(error, line)


def test_an_order_is_a_token_a_place_a_file_and_a_letter() -> None:
    letter = a_letter()

    ended = order(TOKEN, a_place, STORED, created(), letter=letter)

    identity, place, put, create = ended.line.requests
    assert ended.result == Taken(provider_id="let-1")
    assert ended.made == [
        *("POST /auth/access-tokens", "GET /file-upload", "PUT /bucket/file?signed=1"),
        f"POST {LETTERS}",
    ]
    assert parse_qs(identity.partition(b"\r\n\r\n")[2].decode()) == {
        "grant_type": ["client_credentials"],
        "client_id": ["us"],
        "client_secret": ["secret"],
        "scope": ["letter"],
    }
    assert b"Authorization: Bearer a-token" in place
    assert put.endswith(b"\r\n\r\n%PDF-1.7")
    assert b"Authorization" not in put  # the place is not Pingen's
    assert f"Idempotency-Key: {letter.delivery_id}".encode() in create


def test_a_letter_says_how_to_print_it_and_carries_our_reference() -> None:
    letter = a_letter()

    ended = order(TOKEN, a_place, STORED, created(), letter=letter)

    asked = json.loads(ended.line.requests[-1].partition(b"\r\n\r\n")[2])["data"]
    place = asked["attributes"].pop("file_url")
    assert place == f"{ended.line.url}/bucket/file?signed=1"
    assert asked == {
        "type": "letters",
        "attributes": {
            "file_original_name": f"{letter.delivery_id}.pdf",
            "file_url_signature": "$2y$10$sign",
            "address_position": "left",
            "auto_send": True,
            "delivery_product": "cheap",
            "print_mode": "duplex",
            "print_spectrum": "grayscale",
        },
    }


@pytest.mark.parametrize(
    ("value", "currency", "minor"),
    [("1.63", "CHF", 163), ("2", "EUR", 200), ("0.005", "EUR", 1), ("163", "JPY", 163)],
)
def test_a_price_is_read_in_minor_units(value: str, currency: str, minor: int) -> None:
    answer = created(price_currency=currency, price_value=json.loads(value))

    ended = order(TOKEN, a_place, STORED, answer)

    assert ended.result == Taken(provider_id="let-1", price_minor=minor, currency=currency)


# Of the call that orders: may there be a letter now?
STATUSES: list[tuple[int, type[ProviderError]]] = [
    (302, Unclear),  # somebody else answered
    (402, LaneHeld),  # our credit
    (403, LaneHeld),
    (404, LaneHeld),  # our organisation, or our address of them
    (405, LaneHeld),
    (408, TryLater),
    (413, Refused),
    (415, Refused),
    (429, TryLater),
    (500, Unclear),
    (502, Unclear),
    (503, Unclear),
    (504, Unclear),
]


@pytest.mark.parametrize(("status", "meaning"), STATUSES)
def test_every_status_of_the_order_says_what_it_proves(
    status: int, meaning: type[ProviderError]
) -> None:
    ended = order(TOKEN, a_place, STORED, answering(status, ERROR, Location="/elsewhere"))

    assert type(ended.result) is meaning
    assert str(ended.result) == f"Pingen answered {status} some_word"
    assert len(ended.made) == 4


@pytest.mark.parametrize("answer", UNHEARD)
def test_an_order_without_an_answer_is_unclear_and_was_made_once(answer: Answer) -> None:
    ended = order(TOKEN, a_place, STORED, answer)

    assert type(ended.result) is Unclear
    assert len(ended.made) == 4


@pytest.mark.parametrize(
    "body",
    [
        *("", "[]", "{}", '{"data": {"id": ""}}', '{"data": {"id": "a\\u0000b"}}'),
        json.dumps({"data": shown() | {"id": "x" * 161}}),
        json.dumps({"data": shown(price_currency="EURO", price_value=1)}),
        json.dumps({"data": shown(price_currency="EUR", price_value=-1)}),
    ],
)
def test_a_letter_that_cannot_be_read_may_still_be_one(body: str) -> None:
    assert type(order(TOKEN, a_place, STORED, answering(201, body)).result) is Unclear


class TestBeforeTheOrder:
    """Whatever happens there: there is no letter, and Pingen was never asked for one."""

    FAULTS = (*UNHEARD, *(answering(status, ERROR) for status, _ in STATUSES), answering(422))

    @pytest.mark.parametrize("place", FAULTS)
    def test_no_place_for_the_file_is_not_sent(self, place: Answer) -> None:
        ended = order(TOKEN, place)

        assert isinstance(ended.result, NotSent)
        assert ended.made == ["POST /auth/access-tokens", "GET /file-upload"]

    @pytest.mark.parametrize("place", [answering(200, "{}"), answering(200, "<html>")])
    def test_a_place_that_cannot_be_read_is_not_sent(self, place: Answer) -> None:
        assert type(order(TOKEN, place).result) is TryLater

    @pytest.mark.parametrize("stored", FAULTS)
    def test_an_upload_that_fails_is_not_sent(self, stored: Answer) -> None:
        ended = order(TOKEN, a_place, stored)

        assert type(ended.result) is TryLater
        assert len(ended.made) == 3

    @pytest.mark.parametrize("identity", FAULTS)
    def test_no_token_is_not_sent(self, identity: Answer) -> None:
        ended = order(identity)

        assert isinstance(ended.result, NotSent)
        assert ended.made == ["POST /auth/access-tokens"]

    def test_a_pingen_that_nobody_reaches_took_nothing(self) -> None:
        with pytest.raises(TryLater, match="NewConnectionError"):
            a_vendor(f"http://127.0.0.1:{free_port()}").order(a_letter())

    def test_what_was_uploaded_too_slowly_is_not_ordered_any_more(self) -> None:
        times = iter([0.0, PREPARE_S + 1])
        with listening(steps(TOKEN, a_place, STORED)) as line:
            vendor = a_vendor(line.url, clock=lambda: next(times))
            with pytest.raises(TryLater, match="too long"):
                vendor.order(a_letter())

        assert len(line.requests) == 3

    @pytest.mark.parametrize(
        ("changes", "why"),
        [
            ({"pages": 121}, "120 at most to BY"),
            ({"pages": 15, "country": "NL"}, "14 at most to NL"),
            ({"pdf": b"x" * 8_000_001}, "8 MB at most"),
            ({"format": Format.US_LETTER}, "does not print us_letter"),
        ],
    )
    def test_what_pingen_cannot_send_is_refused_without_a_call(
        self, changes: dict[str, object], why: str
    ) -> None:
        ended = order(letter=replace(a_letter(), **changes))  # type: ignore[arg-type]

        assert type(ended.result) is Refused
        assert why in str(ended.result)
        assert ended.made == []


class TestMaybeThere:
    """A key that came before, with its file at another place: nobody says how that is answered."""

    @pytest.mark.parametrize("status", [400, 409, 422])
    def test_the_letter_under_our_reference_is_ours(self, status: int) -> None:
        letter = a_letter()

        ended = order(
            *(TOKEN, a_place, STORED, answering(status, ERROR), listed(shown(letter))),
            letter=letter,
        )

        assert ended.result == Taken(provider_id="let-1")

    @pytest.mark.parametrize(
        ("status", "meaning"), [(400, Refused), (409, Unclear), (422, Refused)]
    )
    def test_without_one_only_a_conflict_is_unclear(
        self, status: int, meaning: type[ProviderError]
    ) -> None:
        ended = order(TOKEN, a_place, STORED, answering(status, ERROR), listed())

        assert type(ended.result) is meaning

    @pytest.mark.parametrize("status", [400, 409, 422])
    def test_where_it_cannot_be_looked_up_nobody_can_tell(self, status: int) -> None:
        ended = order(TOKEN, a_place, STORED, answering(status, ERROR), answering(429))

        assert type(ended.result) is Unclear
        assert str(ended.result).startswith(f"Pingen answered {status} some_word; and whether")


def test_pages_are_counted_by_destination() -> None:
    assert {country: most_pages(country) for country in ("CH", "DE", "GB", "NL", "IN", "BR")} == {
        **{"CH": 120, "DE": 320, "GB": 500, "NL": 14, "IN": 16, "BR": 120}
    }
    assert CAPABILITY.prints(Format.A4, 120)
    assert not CAPABILITY.prints(Format.US_LETTER, 1)


def test_a_lane_that_is_held_says_why() -> None:
    credit = order(TOKEN, a_place, STORED, answering(402)).result
    rights = order(TOKEN, a_place, STORED, answering(403)).result

    assert isinstance(credit, LaneHeld)
    assert isinstance(rights, LaneHeld)
    assert (credit.reason, rights.reason) == (LaneReason.ACCOUNT, LaneReason.CREDENTIALS)


def test_an_error_is_never_quoted_beyond_its_word() -> None:
    body = json.dumps({"errors": {"code": "Ana Beispiel, 1 Street"}})

    assert str(order(TOKEN, a_place, STORED, answering(413, body)).result) == "Pingen answered 413"
