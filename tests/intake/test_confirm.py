"""Links that supporters follow: signed, short, and hard to break on the way."""

import datetime as dt
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.confirmation.confirm import Confirmations, NoticeKind

NOW = dt.datetime(2026, 11, 3, 9, tzinfo=dt.UTC)
CONFIRMATIONS = Confirmations(b"i" * 32, "https://writ.example", lambda: NOW)


@given(st.uuids())
def test_a_token_leads_back_to_its_action(action_id: UUID) -> None:
    assert CONFIRMATIONS.action_of(CONFIRMATIONS.token(action_id)) == action_id


def test_a_token_is_short_words_of_small_letters() -> None:
    words = CONFIRMATIONS.token(uuid4()).split("-")

    assert [len(word) for word in words] == [8] * 6
    assert "".join(words) == "".join(words).lower()


@pytest.mark.parametrize(
    "hung_on",
    ["{}.", "{} ", "{}>", "{})", "<{}>", "{}/", "{}\u2069", "  {}\r\n", "{}?"],
)
def test_what_a_mail_program_hangs_on_does_no_harm(hung_on: str) -> None:
    action_id = uuid4()

    token = hung_on.format(CONFIRMATIONS.token(action_id))

    assert CONFIRMATIONS.action_of(token) == action_id


def test_a_token_may_be_typed_in_capitals_and_without_hyphens() -> None:
    action_id = uuid4()
    token = CONFIRMATIONS.token(action_id)

    assert CONFIRMATIONS.action_of(token.upper()) == action_id
    assert CONFIRMATIONS.action_of(token.replace("-", "")) == action_id


@given(st.integers(0, 47), st.sampled_from("abcdefghijklmnopqrstuvwxyz234567"))
def test_no_letter_can_be_changed(place: int, letter: str) -> None:
    token = CONFIRMATIONS.token(UUID(int=7)).replace("-", "")
    changed = token[:place] + letter + token[place + 1 :]

    assert (CONFIRMATIONS.action_of(changed) is None) == (changed != token)


@given(st.text())
def test_no_text_breaks_the_reading(text: str) -> None:
    assert CONFIRMATIONS.action_of(text) is None


def test_another_key_signs_otherwise() -> None:
    token = Confirmations(b"j" * 32, "https://writ.example", lambda: NOW).token(uuid4())

    assert CONFIRMATIONS.action_of(token) is None


def test_a_notice_holds_a_link_to_the_page() -> None:
    action_id = uuid4()

    notice = CONFIRMATIONS.notice(action_id, NoticeKind.REMIND, NOW)

    assert notice["link"].row == notice["id"]
    assert notice["link"].text == f"https://writ.example/confirm/{CONFIRMATIONS.token(action_id)}"
    assert (notice["action_id"], notice["kind"], notice["made_at"]) == (action_id, "remind", NOW)


def test_neither_the_key_nor_a_link_shows_in_a_log() -> None:
    notice = CONFIRMATIONS.notice(uuid4(), NoticeKind.CONFIRM, NOW)

    assert "iiii" not in repr(CONFIRMATIONS)
    assert "confirm/" not in repr(notice)
