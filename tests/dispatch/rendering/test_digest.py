"""A digest says who wrote, once each: in the email itself, or in the pages that come with it."""

import re
from collections.abc import Sequence
from html import unescape

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.dispatch.rendering import digest, digest_pages
from services.dispatch.rendering.digest import FIRST, LONG, MOST_CHARACTERS, DigestFile
from services.dispatch.rendering.digest_pages import Heading
from services.dispatch.rendering.entries import Entry, Row
from shared import spoken
from tests.dispatch.rendering.digests import an_entry, pages_of, some_entries, written

TYPED = st.text(st.characters(exclude_categories=["Cs", "Cc"]) | st.just("\n"), max_size=80)


def said(html: str) -> str:
    body = html[html.index("<body") :]
    return "".join(unescape(re.sub("<[^>]*>", "", body)).split())


def test_a_short_digest_says_everything_in_the_email() -> None:
    entries = [
        an_entry(1, words="Let him go.\n\nPlease."),
        an_entry(2, name=None, country="FR", words=None),
        an_entry(3, name="Bo", country=None, words=None),
    ]

    told = written(entries)

    assert told.file is None
    assert told.email.subject == "3 people wrote to you about Mikita"
    assert told.email.text == (
        "Dear Sir,\n\n"
        "3 people wrote to you about Mikita\n\n"
        "Friends of Letters brings you these messages in one email, once a day at most, so that "
        "your mailbox is not flooded.\n\n"
        "This is what they wrote:\n\n"
        "Let him go.\n\nYours\n\n"
        "By country: France: 1 · Switzerland: 1 · not stated: 1\n\n"
        "The senders:\n\n"
        "1. Ana Beispiel, Switzerland [00000000-0000-0000-0000-000000000001]\n"
        "    Let him go.\n\n    Please.\n\n"
        "2. Name not given, France [00000000-0000-0000-0000-000000000002]\n\n"
        "3. Bo [00000000-0000-0000-0000-000000000003]\n\n"
        "-- \nFriends · r-1\n"
    )


@pytest.mark.parametrize("language", spoken.languages())
@pytest.mark.parametrize("kind", ["appeal", "solidarity"])
def test_text_and_html_say_the_same_in_every_language(language: str, kind: str) -> None:
    entries = [an_entry(1), an_entry(2, name="محمد", words="سلام", language="ar")]

    email = written(entries, language=language, kind=kind).email

    assert said(email.html) == "".join(email.text.replace("\n-- \n", "\n").split())
    assert f'dir="{"rtl" if language == "ar" else "ltr"}"' in email.html
    assert "{" not in email.text
    assert email.subject in email.text


@given(st.lists(TYPED, min_size=1, max_size=8), TYPED)
def test_what_was_typed_is_in_the_email_once_and_never_becomes_html(
    typed: list[str], name: str
) -> None:
    entries = [an_entry(n, words=words, name=name) for n, words in enumerate(typed, 1)]

    email = written(entries).email

    assert said(email.html) == "".join(email.text.replace("\n-- \n", "\n").split())
    senders = email.text.split("The senders:")[1]
    for entry in entries:
        assert senders.count(str(entry.reference)) == 1
    everything = "".join("".join(words.split()) for words in typed)
    assert len("".join(senders.split())) >= len(everything)


def test_nobodys_words_look_like_the_next_senders() -> None:
    email = written([an_entry(1, words="Hello.\n2. Minister, Nowhere [x]")]).email

    assert "\n    2. Minister" in email.text
    assert "\n2. " not in email.text


def test_markup_that_somebody_typed_is_only_text() -> None:
    email = written([an_entry(1, words="<script>x</script>{{ x }}", name="<b>Ana</b>")]).email

    assert "<script>" not in email.html
    assert "<b>" not in email.html
    assert "{{ x }}" in email.html


def test_one_who_wrote_twice_is_one_person() -> None:
    assert written(some_entries(2), people=1).email.subject.startswith("1 person ")


def test_a_long_digest_shows_its_totals_and_the_first_and_binds_the_rest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bound: list[int] = []

    def bind(_: Heading, rows: Sequence[Row]) -> bytes:
        bound.extend(row.number for row in rows)
        return b"%PDF"

    monkeypatch.setattr(digest, "bind", bind)

    told = written(some_entries(LONG + 1))

    assert told.file == DigestFile(b"%PDF", "application/pdf", "pdf")
    assert bound == list(range(FIRST + 1, LONG + 2))
    assert "By country: Switzerland: 41" in told.email.text
    assert "Messages 11 to 41 are in the attached file." in told.email.text
    assert f"\n{FIRST}. " in told.email.text
    assert f"\n{FIRST + 1}. " not in told.email.text


def test_forty_are_not_long_but_many_words_are(monkeypatch: pytest.MonkeyPatch) -> None:
    bound: list[int] = []

    def bind(_: Heading, rows: Sequence[Row]) -> bytes:
        bound.append(rows[0].number)
        return b"%PDF"

    monkeypatch.setattr(digest, "bind", bind)
    much, more = "x" * (MOST_CHARACTERS // 4), "x" * (MOST_CHARACTERS + 1)

    written(some_entries(LONG))
    assert bound == []
    written(some_entries(5, words=much))
    written([an_entry(1, words=more)])
    assert bound == [5, 1]


def test_pages_too_large_for_an_email_go_as_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digest_pages, "MOST_BYTES", 10_000)
    entries = [an_entry(n, words=f"كلمة{n:05}.", language="ar") for n in range(1, LONG + 2)]

    told = written(entries)

    assert told.file is not None
    assert (told.file.content_type, told.file.ending) == ("text/plain", "txt")
    text = told.file.content.decode("utf-8-sig")
    assert text.startswith("41 people wrote to you about Mikita\nFriends of Letters\n1 June 2026\n")
    everything = told.email.text + text
    assert all(everything.count(str(entry.reference)) == 1 for entry in entries)
    assert all(everything.count(str(entry.words)) == 1 for entry in entries)


@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(LONG + 1, 150), st.sets(st.integers(0, 149)))
def test_every_action_is_in_the_email_or_in_its_pages_and_in_one_of_them(
    number: int, silent: set[int]
) -> None:
    entries: list[Entry] = [
        an_entry(one, words=None) if one in silent else an_entry(one)
        for one in range(1, number + 1)
    ]

    told = written(entries)

    assert told.file is not None
    everything = told.email.text + "".join(pages_of(told.file.content))
    for entry in entries:
        assert everything.count(str(entry.reference)) == 1
        if entry.words:
            assert everything.count(entry.words) == 1


def test_the_html_holds_no_pixel_and_fetches_nothing() -> None:
    html = written(some_entries(3)).email.html

    assert not re.search(r"<(img|link|script|style|iframe|object)|url\(|https?:", html)
