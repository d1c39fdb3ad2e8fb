"""What Pingen is asked about letters that it has, by our reference and by its id; and to cancel."""

import json
from urllib.parse import parse_qs, urlsplit

import pytest

from services.dispatch.providers.contract import (
    LaneHeld,
    Letter,
    ProviderError,
    Refused,
    Taken,
    TryLater,
    Unclear,
)
from tests.dispatch.providers.line import Answer, Line, answering, listening
from tests.dispatch.providers.pingen import (
    LETTERS,
    TOKEN,
    UNHEARD,
    a_letter,
    a_vendor,
    listed,
    shown,
    steps,
)


class TestFind:
    def find(self, *answers: Answer, letter: Letter) -> Taken | ProviderError | None:
        with listening(steps(TOKEN, *answers)) as line:
            self.line: Line = line
            try:
                return a_vendor(line.url).find(letter.delivery_id)
            except ProviderError as error:
                return error

    def test_letters_are_asked_for_by_the_name_of_their_file(self) -> None:
        letter = a_letter()

        found = self.find(
            listed(shown(letter, price_currency="EUR", price_value=1.4)), letter=letter
        )

        asked = urlsplit(self.line.requests[1].split(b" ")[1].decode())
        assert found == Taken(provider_id="let-1", price_minor=140, currency="EUR")
        assert asked.path == LETTERS
        assert parse_qs(asked.query) == {
            "filter": [json.dumps({"file_original_name": f"{letter.delivery_id}.pdf"})],
            "page[limit]": ["5"],
        }

    def test_an_empty_list_says_that_there_is_none(self) -> None:
        assert self.find(listed(), letter=a_letter()) is None

    def test_a_list_with_others_in_it_was_not_filtered_and_proves_nothing(self) -> None:
        assert type(self.find(listed(shown()), letter=a_letter())) is Unclear

    @pytest.mark.parametrize("answer", [answering(200, "{}"), answering(200, "<html>"), *UNHEARD])
    def test_what_cannot_be_read_proves_nothing(self, answer: Answer) -> None:
        assert type(self.find(answer, letter=a_letter())) is Unclear

    @pytest.mark.parametrize(
        ("status", "meaning"),
        [(400, Unclear), (422, Unclear), (403, LaneHeld), (429, TryLater), (500, Unclear)],
    )
    def test_being_refused_an_answer_is_no_answer(
        self, status: int, meaning: type[ProviderError]
    ) -> None:
        assert type(self.find(answering(status), letter=a_letter())) is meaning


class TestLook:
    def test_status_and_price_are_told(self) -> None:
        answer = {"data": shown(status="sent", price_currency="CHF", price_value=1.63)}
        with listening(steps(TOKEN, answering(200, json.dumps(answer)))) as line:
            seen = a_vendor(line.url).look("let-1")

        assert line.requests[1].startswith(f"GET {LETTERS}/let-1 ".encode())
        assert seen.status == "sent"
        assert seen.taken == Taken(provider_id="let-1", price_minor=163, currency="CHF")

    @pytest.mark.parametrize(
        ("status", "meaning"), [(404, Refused), (403, LaneHeld), (429, TryLater), (500, Unclear)]
    )
    def test_a_letter_that_is_none_of_theirs_holds_nothing_up(
        self, status: int, meaning: type[ProviderError]
    ) -> None:
        with listening(steps(TOKEN, answering(status))) as line, pytest.raises(meaning):
            a_vendor(line.url).look("let-1")

    def test_an_id_stays_in_its_place(self) -> None:
        with listening(steps(TOKEN, answering(500))) as line, pytest.raises(Unclear):
            a_vendor(line.url).look("../../webhooks")

        assert line.requests[1].startswith(f"GET {LETTERS}/..%2F..%2Fwebhooks ".encode())


class TestCancel:
    def cancel(self, answer: Answer) -> None:
        with listening(steps(TOKEN, answer)) as line:
            a_vendor(line.url).cancel("let-1")
        assert line.requests[1].startswith(f"PATCH {LETTERS}/let-1/cancel ".encode())

    @pytest.mark.parametrize("status", [200, 202, 204])
    def test_cancelling_is_asked_for(self, status: int) -> None:
        self.cancel(answering(status, ""))

    @pytest.mark.parametrize(
        ("status", "meaning"),
        [
            (403, Refused),
            (409, Refused),
            (422, Refused),
            (404, Refused),
            (402, LaneHeld),
            (500, Unclear),
        ],
    )
    def test_what_is_too_late_or_not_there_is_refused(
        self, status: int, meaning: type[ProviderError]
    ) -> None:
        with pytest.raises(meaning):
            self.cancel(answering(status))
