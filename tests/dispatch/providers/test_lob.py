"""What Lob is asked, and what its answers prove: a piece goes out once, with its key."""

import datetime as dt
import json
import ssl
from pathlib import Path

import pytest

from services.dispatch.providers.capability import Format
from services.dispatch.providers.contract import (
    LaneHeld,
    Letter,
    ProviderError,
    Refused,
    Taken,
    TryLater,
    Unclear,
)
from services.dispatch.providers.lob import CAPABILITY, LAYOUT, _sides
from services.dispatch.rendering.layouts import LAYOUTS
from shared.clock import new_id
from tests import lob_document
from tests.dispatch.providers.certificates import a_certificate
from tests.dispatch.providers.line import (
    Answer,
    answering,
    babbling,
    cutting,
    free_port,
    hanging_up,
    listening,
    resetting,
    stalling,
)
from tests.dispatch.providers.lob_line import (
    ADDRESS,
    SENDER,
    a_letter,
    a_vendor,
    asked,
    error,
    fields_of,
    in_turn,
    order,
    patience_with,
)
from tests.sandbox.lob_world import CARD, pages

PIECE = {"id": "ltr_4868c3b754655f90", "metadata": {}}
TAKEN = Taken(provider_id="ltr_4868c3b754655f90")
NO_ANSWER = [stalling, resetting, hanging_up, cutting, babbling]
NOON = dt.datetime(2026, 1, 5, 12, tzinfo=dt.UTC)


def a_postcard() -> Letter:
    return a_letter(pdf=pages(2, CARD), format=Format.POSTCARD_4X6)


def listed(*pieces: object) -> Answer:
    return answering(200, json.dumps({"data": pieces, "object": "list"}))


def mine(letter: Letter, **changes: object) -> dict[str, object]:
    return PIECE | {"metadata": {"delivery_id": str(letter.delivery_id)}} | changes


class TestAsked:
    def test_a_letter_goes_to_an_address_that_was_made_before(self) -> None:
        letter = a_letter()

        taken, line = order(answering(200, json.dumps(PIECE)), letter)

        address, piece = (asked(one) for one in line.requests)
        assert taken == TAKEN
        assert (address.method, address.path) == ("POST", "/addresses")
        assert (piece.method, piece.path) == ("POST", "/letters")
        assert piece.headers["Idempotency-Key"] == "key-1"
        assert piece.headers["Lob-Version"] == "2024-01-01"
        assert piece.authorization is not None
        assert (piece.authorization.username, piece.authorization.password) == ("test_0123", "")
        assert piece.files["file"].read() == letter.pdf
        assert fields_of(line.requests[1]) == {
            "to": "adr_4711",
            "from": SENDER,
            "metadata": {"delivery_id": str(letter.delivery_id)},
            "mail_type": "usps_first_class",
            "use_type": "operational",
            "file": "letter.pdf",
            "color": False,
            "double_sided": True,
            "address_placement": "top_first_page",
            "size": "us_letter",
        }

    def test_a_postcards_sides_are_two_files_the_picture_in_front(self) -> None:
        _, line = order(answering(200, json.dumps(PIECE)), a_postcard())

        piece = asked(line.requests[1])
        assert piece.path == "/postcards"
        assert all(piece.files[side].read().startswith(b"%PDF") for side in ("front", "back"))
        assert fields_of(line.requests[1])["size"] == "4x6"

    @pytest.mark.parametrize(
        ("letter", "schema"),
        [
            (a_letter(), "letter_editable"),
            (a_letter(pages=1), "letter_editable"),
            (a_postcard(), "postcard_editable"),
        ],
    )
    def test_the_document_takes_what_is_asked(self, letter: Letter, schema: str) -> None:
        _, line = order(answering(200, json.dumps(PIECE)), letter)

        address, piece = (fields_of(one) for one in line.requests)
        assert lob_document.faults("address_editable", address) == []
        assert lob_document.faults(schema, piece) == []

    @pytest.mark.parametrize(
        "wrong", [{"to": "xyz_12"}, {"use_type": "spam"}, {"file": None}, {"mail_type": "pigeon"}]
    )
    def test_the_document_would_say_what_is_wrong(self, wrong: dict[str, object]) -> None:
        _, line = order(answering(200, json.dumps(PIECE)))

        assert lob_document.faults("letter_editable", fields_of(line.requests[1]) | wrong)

    def test_a_known_address_is_not_made_again(self) -> None:
        with listening(in_turn(ADDRESS, answering(200, json.dumps(PIECE)))) as line:
            vendor = a_vendor(line.url)
            for _ in range(3):
                vendor.order(a_letter())

        paths = [asked(one).path for one in line.requests]
        assert paths == ["/addresses", "/letters", "/letters", "/letters"]

    @pytest.mark.parametrize(
        ("letter", "says"),
        [
            (a_letter(format=Format.A4), "no a4 of 2 pages"),
            (a_letter(pages=13), "no us_letter of 13 pages"),
            (a_letter(country="PS"), "nothing to PS"),
            (a_letter(lines=("x", "NORWAY")), "an address of 2 lines"),
            (a_letter(pdf=b"torn", format=Format.POSTCARD_4X6), "cannot be read"),
            (a_letter(pdf=pages(3, CARD), format=Format.POSTCARD_4X6), "two sides"),
        ],
    )
    def test_what_lob_cannot_print_is_refused_without_a_call(
        self, letter: Letter, says: str
    ) -> None:
        fault, line = order(answering(200), letter)

        assert type(fault) is Refused
        assert says in str(fault)
        assert line.requests == []


STATUSES: list[tuple[int, type[ProviderError]]] = [
    (201, Unclear),  # the document knows 200 alone
    (302, Unclear),
    (400, Refused),
    (401, LaneHeld),
    (402, LaneHeld),
    (403, LaneHeld),
    (404, LaneHeld),
    (408, Unclear),
    (413, Refused),
    (422, Refused),
    (429, TryLater),
    (500, Unclear),
    (503, Unclear),
]


class TestProof:
    @pytest.mark.parametrize(("status", "meaning"), STATUSES)
    def test_every_status_says_what_it_proves(
        self, status: int, meaning: type[ProviderError]
    ) -> None:
        fault, line = order(error(status, "some_word", Location="/elsewhere"))

        assert type(fault) is meaning
        assert str(fault) == f"Lob answered {status} some_word"
        assert len(line.requests) == 2

    @pytest.mark.parametrize("answer", NO_ANSWER)
    def test_an_order_without_an_answer_is_unclear_and_was_made_once(self, answer: Answer) -> None:
        fault, line = order(answer)

        assert type(fault) is Unclear
        assert [asked(one).path for one in line.requests] == ["/addresses", "/letters"]

    @pytest.mark.parametrize(
        "body", ["", "[]", "{}", '{"id": ""}', '{"id": "adr_1"}', '{"id": "ltr_a\\u0000"}']
    )
    def test_an_order_that_cannot_be_read_may_still_be_one(self, body: str) -> None:
        fault, _ = order(answering(200, body))

        assert type(fault) is Unclear

    def test_one_that_was_taken_out_again_is_not_printed(self) -> None:
        fault, _ = order(answering(200, json.dumps(PIECE | {"deleted": True})))

        assert type(fault) is Refused

    def test_a_vendor_that_nobody_reaches_took_nothing(self) -> None:
        with pytest.raises(TryLater, match="not reached: NewConnectionError"):
            a_vendor(f"http://127.0.0.1:{free_port()}").order(a_letter())

    @pytest.mark.parametrize("name", ["ratelimit-reset", "X-Rate-Limit-Reset"])
    def test_the_limit_says_when_to_go_on(self, name: str) -> None:
        at = str(int(NOON.timestamp()) + 4)

        fault, _ = order(error(429, "rate_limit_exceeded", **{name: at}), clock=lambda: NOON)

        assert isinstance(fault, TryLater)
        assert (fault.after_s, fault.throttled) == (4, True)

    @pytest.mark.parametrize(("reset", "wait_s"), [("soon", 0), ("0", 0), ("99999999999", 60)])
    def test_a_strange_time_is_no_long_wait(self, reset: str, wait_s: int) -> None:
        fault, _ = order(error(429, "", ratelimit_reset=reset), clock=lambda: NOON)

        assert isinstance(fault, TryLater)
        assert fault.after_s == wait_s

    def test_a_certificate_that_is_not_trusted_gets_no_letter(self, tmp_path: Path) -> None:
        context: ssl.SSLContext = a_certificate(tmp_path)[0]
        with (
            listening(stalling, context=context) as line,
            pytest.raises(TryLater, match="certificate is not trusted"),
        ):
            a_vendor(line.url.replace("http:", "https:")).order(a_letter())

        assert line.requests == []


class TestAddress:
    """Making an address orders nothing: however it ends, the letter has not left."""

    @pytest.mark.parametrize(
        ("answer", "meaning"),
        [
            *((answer, TryLater) for answer in NO_ANSWER),
            (answering(200, "{}"), TryLater),
            (error(500, "internal_server_error"), TryLater),
            (error(429, "rate_limit_exceeded"), TryLater),
            (error(401, "invalid_api_key"), LaneHeld),
            (error(422, "failed_deliverability_strictness"), Refused),
        ],
    )
    def test_without_an_address_nothing_is_ordered(
        self, answer: Answer, meaning: type[ProviderError]
    ) -> None:
        with listening(answer) as line, pytest.raises(ProviderError) as caught:
            a_vendor(line.url, patience_s=patience_with(answer)).order(a_letter())

        assert type(caught.value) is meaning
        assert [asked(one).path for one in line.requests] == ["/addresses"]

    def test_one_that_lob_has_lost_is_made_again_the_next_time(self) -> None:
        good = answering(200, json.dumps(PIECE))
        answers = in_turn(ADDRESS, good, error(404, "not_found"), ADDRESS, good)
        with listening(answers) as line:
            vendor = a_vendor(line.url)
            vendor.order(a_letter())
            with pytest.raises(TryLater, match="recipient's address"):
                vendor.order(a_letter())

            assert vendor.order(a_letter()) == TAKEN

    def test_where_a_new_one_is_not_missing_it_must_be_the_sender(self) -> None:
        fault, _ = order(error(404, "not_found"))

        assert type(fault) is LaneHeld
        assert "sender's address" in str(fault)


class TestConflict:
    """Lob has the key."""

    def order(self, letter: Letter, found: Answer) -> Taken | ProviderError:
        with listening(in_turn(ADDRESS, error(409, "conflict"), found)) as line:
            try:
                return a_vendor(line.url, patience_s=patience_with(found)).order(letter)
            except ProviderError as fault:
                return fault

    def test_what_it_has_under_our_reference_is_ours(self) -> None:
        letter = a_letter()

        assert self.order(letter, listed(mine(letter))) == TAKEN

    @pytest.mark.parametrize(
        "found",
        [
            *(listed(), answering(200, "{}"), error(401, "unauthorized"), error(429, "")),
            *(error(422, "invalid"), error(400, "bad_request"), stalling),
        ],
    )
    def test_otherwise_nobody_can_tell(self, found: Answer) -> None:
        assert type(self.order(a_letter(), found)) is Unclear


class TestFind:
    def test_letters_are_looked_through_and_then_postcards(self) -> None:
        letter = a_letter()
        card = mine(letter, id="psc_208e45e48d271294")

        with listening(in_turn(listed(), listed(card))) as line:
            found = a_vendor(line.url).find(letter.delivery_id)

        requests = [asked(one) for one in line.requests]
        assert found == Taken(provider_id="psc_208e45e48d271294")
        assert [one.path for one in requests] == ["/letters", "/postcards"]
        for one in requests:
            assert one.args.to_dict() == {"metadata[delivery_id]": str(letter.delivery_id)}

    def test_none_is_found_only_where_lob_says_so(self) -> None:
        with listening(listed()) as line:
            assert a_vendor(line.url).find(new_id()) is None

    @pytest.mark.parametrize(
        ("answer", "meaning"),
        [
            (listed(PIECE), Unclear),  # the filter was not understood: the list proves nothing
            (answering(200, "<html>"), Unclear),
            (error(500, "internal_server_error"), Unclear),
            (error(401, "unauthorized"), LaneHeld),
            (error(422, "invalid"), Unclear),
            (stalling, Unclear),
        ],
    )
    def test_another_answer_is_no_answer(
        self, answer: Answer, meaning: type[ProviderError]
    ) -> None:
        with listening(answer) as line, pytest.raises(ProviderError) as caught:
            a_vendor(line.url, patience_s=patience_with(answer)).find(new_id())

        assert type(caught.value) is meaning

    def test_one_that_prints_goes_before_one_that_was_cancelled(self) -> None:
        letter = a_letter()
        pieces = listed(mine(letter, id="ltr_1", deleted=True), mine(letter, id="ltr_2"))

        with listening(pieces) as line:
            assert a_vendor(line.url).find(letter.delivery_id) == Taken(provider_id="ltr_2")

    def test_one_that_was_cancelled_at_lob_is_never_ordered_again(self) -> None:
        letter = a_letter()

        with (
            listening(listed(mine(letter, deleted=True))) as line,
            pytest.raises(Refused, match="cancelled"),
        ):
            a_vendor(line.url).find(letter.delivery_id)


class TestCancel:
    @pytest.mark.parametrize(
        ("answer", "cancelled"),
        [
            (answering(200, '{"id": "ltr_1", "deleted": true}'), True),
            (error(422, "not_deletable"), False),
        ],
    )
    def test_it_says_whether_the_letter_is_still_printed(
        self, answer: Answer, cancelled: bool
    ) -> None:
        with listening(answer) as line:
            assert a_vendor(line.url).cancel("ltr_1") is cancelled

        assert line.requests[0].startswith(b"DELETE /letters/ltr_1 ")

    @pytest.mark.parametrize(
        "answer", [answering(200, '{"deleted": false}'), answering(200, "{}"), error(500, "")]
    )
    def test_nobody_can_tell_after_another_answer(self, answer: Answer) -> None:
        with listening(answer) as line, pytest.raises(Unclear):
            a_vendor(line.url).cancel("psc_1")

        assert line.requests[0].startswith(b"DELETE /postcards/psc_1 ")


def test_a_repeat_is_the_same_to_the_byte() -> None:
    card = pages(2, CARD)

    assert _sides(card) == _sides(card)


def test_its_layout_leaves_the_place_of_the_address_blank() -> None:
    assert LAYOUTS[LAYOUT].window is None
    assert CAPABILITY.prints(Format.US_LETTER, 12)
    assert not CAPABILITY.prints(Format.A4, 1)
