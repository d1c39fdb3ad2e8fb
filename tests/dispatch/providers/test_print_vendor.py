"""What the vendor's answers prove, and that an order goes out once, with its key."""

import base64
import hashlib
import json
import ssl
from pathlib import Path

import pytest
import urllib3
from cryptography import x509

from services.dispatch.providers.contract import (
    LaneHeld,
    Letter,
    ProviderError,
    Refused,
    Taken,
    TryLater,
    Unclear,
)
from services.dispatch.providers.print_vendor import PrintVendor
from shared.clock import new_id
from tests.dispatch.providers.certificates import a_certificate
from tests.dispatch.providers.line import (
    Answer,
    Line,
    answering,
    babbling,
    breaking_tls,
    cutting,
    free_port,
    hanging_up,
    listening,
    resetting,
    stalling,
)

ORDER = {"id": "ord_1", "price": {"amount_minor": 142, "currency": "EUR"}}
TAKEN = Taken(provider_id="ord_1", price_minor=142, currency="EUR")


def a_vendor(url: str) -> PrintVendor:
    return PrintVendor(url, "secret", connect_timeout_s=1, read_timeout_s=1)


def a_letter() -> Letter:
    return Letter(
        delivery_id=new_id(),
        idempotency_key="key-1",
        pdf=b"%PDF-1.7",
        pages=2,
        lines=("Prosecutor General", "1 Street", "BELARUS"),
        country="BY",
    )


def order(answer: Answer, letter: Letter | None = None) -> tuple[Taken | ProviderError, Line]:
    with listening(answer) as line:
        try:
            return a_vendor(line.url).order(letter or a_letter()), line
        except ProviderError as error:
            return error, line


def test_an_order_says_what_to_print_for_whom() -> None:
    letter = a_letter()

    taken, line = order(answering(201, json.dumps(ORDER)), letter)

    head, _, body = line.requests[0].partition(b"\r\n\r\n")
    asked = json.loads(body)
    assert taken == TAKEN
    assert head.startswith(b"POST /print/v1/orders HTTP/1.1")
    assert b"Idempotency-Key: key-1" in head
    assert b"Authorization: Bearer secret" in head
    assert base64.b64decode(asked.pop("pdf_base64")) == letter.pdf
    assert asked == {
        "reference": str(letter.delivery_id),
        "format": "A4",
        "colour": False,
        "duplex": True,
        "service_class": "standard",
        "pages": 2,
        "sha256": hashlib.sha256(letter.pdf).hexdigest(),
        "address": {"lines": ["Prosecutor General", "1 Street", "BELARUS"], "country": "BY"},
    }


# What RFC 9110 says a status means, read as: may there be an order now?
STATUSES: list[tuple[int, type[ProviderError]]] = [
    (302, Unclear),  # somebody else answered
    (400, Refused),
    (401, LaneHeld),  # our key
    (402, LaneHeld),  # our credit
    (403, LaneHeld),
    (404, LaneHeld),  # our address of the vendor is wrong, not the letter
    (405, LaneHeld),
    (408, TryLater),  # the server gave up waiting for the whole request
    (413, Refused),
    (422, Refused),
    (429, TryLater),
    (500, Unclear),
    (502, Unclear),
    (503, Unclear),
    (504, Unclear),
]


@pytest.mark.parametrize(("status", "meaning"), STATUSES)
def test_every_status_says_what_it_proves(status: int, meaning: type[ProviderError]) -> None:
    problem = json.dumps({"code": "some_word", "detail": "Ana Beispiel"})

    fault, line = order(answering(status, problem, Location="/elsewhere"))

    assert type(fault) is meaning
    assert str(fault) == f"the vendor answered {status} some_word"
    assert len(line.requests) == 1


@pytest.mark.parametrize("answer", [stalling, resetting, hanging_up, cutting, babbling])
def test_an_order_without_an_answer_is_unclear_and_was_made_once(answer: Answer) -> None:
    fault, line = order(answer)

    assert type(fault) is Unclear
    assert len(line.requests) == 1


@pytest.mark.parametrize(
    "body",
    [
        "",
        "[]",
        "{}",
        '{"id": ""}',
        '{"id": "a\\u0000b"}',
        json.dumps({"id": "x" * 161}),
        json.dumps(ORDER | {"price": {"amount_minor": "much", "currency": "EUR"}}),
        json.dumps(ORDER | {"price": {"amount_minor": 1, "currency": "EURO"}}),
    ],
)
def test_an_order_that_cannot_be_read_may_still_be_one(body: str) -> None:
    fault, _ = order(answering(201, body))

    assert type(fault) is Unclear


def test_a_vendor_that_nobody_reaches_took_nothing() -> None:
    with pytest.raises(TryLater, match="not reached: NewConnectionError"):
        a_vendor(f"http://127.0.0.1:{free_port()}").order(a_letter())


def test_a_vendor_says_how_long_to_wait() -> None:
    fault, _ = order(answering(429, Retry_After="77"))
    vague, _ = order(answering(429, Retry_After="Wed, 21 Oct 2026 07:28:00 GMT"))

    assert isinstance(fault, TryLater)
    assert isinstance(vague, TryLater)
    assert (fault.after_s, vague.after_s) == (77, 0)


def test_a_problem_is_never_quoted_beyond_its_word() -> None:
    fault, _ = order(answering(422, json.dumps({"code": "Ana Beispiel, 1 Street"})))

    assert str(fault) == "the vendor answered 422"


class TestConflict:
    """409: the vendor has the key, under another body."""

    def answers(self, found: str) -> Answer:
        both = iter([answering(409), answering(200, found)])
        return lambda peer: next(both)(peer)

    def test_the_order_it_has_under_our_reference_is_ours(self) -> None:
        letter = a_letter()

        taken, line = order(self.answers(json.dumps({"orders": [ORDER]})), letter)

        asked = line.requests[1].split(b" ")[1].decode()
        assert taken == TAKEN
        assert asked == f"/print/v1/orders?reference={letter.delivery_id}"

    @pytest.mark.parametrize("found", ['{"orders": []}', "{}", '{"orders": 3}', "no JSON"])
    def test_without_such_an_order_nobody_can_tell(self, found: str) -> None:
        fault, _ = order(self.answers(found))

        assert type(fault) is Unclear

    @pytest.mark.parametrize("status", [status for status, _ in STATUSES])
    def test_whatever_else_is_answered_proves_nothing(self, status: int) -> None:
        both = iter([answering(409), answering(status)])

        fault, _ = order(lambda peer: next(both)(peer))

        assert type(fault) is Unclear


class TestFind:
    def find(self, answer: Answer) -> Taken | ProviderError | None:
        with listening(answer) as line:
            try:
                return a_vendor(line.url).find(new_id())
            except ProviderError as error:
                return error

    def test_an_order_is_found_with_its_price(self) -> None:
        assert self.find(answering(200, json.dumps({"orders": [ORDER]}))) == TAKEN

    def test_none_is_found_only_where_the_vendor_says_so(self) -> None:
        assert self.find(answering(200, '{"orders": []}')) is None
        assert type(self.find(answering(200, "{}"))) is Unclear
        assert type(self.find(answering(200, "<html>"))) is Unclear

    @pytest.mark.parametrize(("status", "meaning"), STATUSES)
    def test_other_answers_are_no_answer(self, status: int, meaning: type[Exception]) -> None:
        # Being refused an answer is no answer.
        expected = Unclear if meaning is Refused else meaning
        assert type(self.find(answering(status))) is expected


class TestTls:
    @pytest.fixture
    def context(self, tmp_path: Path) -> tuple[ssl.SSLContext, x509.Certificate]:
        return a_certificate(tmp_path)

    def test_a_certificate_that_is_not_trusted_gets_no_letter(
        self, context: tuple[ssl.SSLContext, x509.Certificate]
    ) -> None:
        with (
            listening(stalling, context=context[0]) as line,
            pytest.raises(TryLater, match="certificate is not trusted"),
        ):
            a_vendor(line.url.replace("http:", "https:")).order(a_letter())

        assert line.requests == []

    def test_a_line_that_breaks_after_the_order_proves_nothing(
        self, context: tuple[ssl.SSLContext, x509.Certificate], tmp_path: Path
    ) -> None:
        with listening(breaking_tls, context=context[0]) as line:
            vendor = a_vendor(line.url.replace("http:", "https:"))
            vendor._http = urllib3.PoolManager(
                retries=False, timeout=1, ca_certs=str(tmp_path / "certificate.pem")
            )
            with pytest.raises(Unclear):
                vendor.order(a_letter())

        assert len(line.requests) == 1
