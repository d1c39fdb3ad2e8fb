"""The question to a supporter: short, whole in every language, its link spelled out."""

import datetime as dt
import re
from html import unescape
from typing import Any

import pytest

from services.dispatch.rendering.compose import Composition
from services.dispatch.rendering.email import write_email
from services.dispatch.rendering.notice import NoticeText, compose_notice
from shared import spoken

NOON = dt.datetime(2026, 6, 1, 12, tzinfo=dt.UTC)
LINK = "https://writ.example/confirm/abcdefgh-ijklmnop"
EVERY = pytest.mark.parametrize("language", spoken.languages())


def a_notice(**changes: Any) -> Composition:
    fields: dict[str, Any] = {
        "notice": "confirm",
        "language": "en",
        "link": LINK,
        "campaign": "Letters & Lights",
        "case": "Mikita",
        "kind": "appeal",
        "channel": "letter",
        "occurred_at": NOON,
        "until": NOON + dt.timedelta(days=7),
        "reference": "r-1",
    }
    return compose_notice(NoticeText(**fields | changes))


def test_it_says_what_was_done_what_to_do_and_until_when() -> None:
    email = write_email(a_notice(), organiser="Friends")

    assert email.subject == "Was this you? Please confirm your action for Mikita"
    assert email.text == (
        "Hello,\n\n"
        "Somebody, most likely you, took part in “Letters & Lights” and gave this email address:"
        "\n\nA letter to the authorities\nMikita\n1 June 2026\n\n"
        "Was this you? Then please say yes on this page. Only then is it counted and passed on:"
        f"\n\n{LINK}\n\n"
        "If it was not you, you can say so on the same page, or do nothing: without your yes, "
        "nothing is sent.\n\n"
        "The link works until 8 June 2026, 12:00\u00a0UTC. Saying yes signs you up for nothing "
        "else.\n\n"
        "-- \nFriends · r-1\n"
    )


@EVERY
@pytest.mark.parametrize("notice", ["confirm", "remind"])
def test_text_and_html_say_the_same_in_every_language(language: str, notice: str) -> None:
    email = write_email(a_notice(language=language, notice=notice), organiser="Friends")

    body = email.html[email.html.index("<body") :]
    seen = "".join(unescape(re.sub("<[^>]*>", "", body)).split())
    assert seen == "".join(email.text.replace("\n-- \n", "\n").split())
    assert "{" not in email.text + email.subject
    assert "Mikita" in email.subject
    assert f'dir="{"rtl" if language == "ar" else "ltr"}"' in email.html


@EVERY
def test_the_link_stands_on_a_line_of_its_own_and_can_be_followed(language: str) -> None:
    email = write_email(a_notice(language=language), organiser="Friends")

    assert LINK in email.text.splitlines()
    assert re.findall(r'<a href="([^"]*)"[^>]*>([^<]*)</a>', email.html) == [(LINK, LINK)]


def test_a_link_cannot_leave_its_attribute() -> None:
    email = write_email(a_notice(link='https://x.example/"onclick="'), organiser="Friends")

    assert '"onclick' not in email.html


def test_who_speaks_another_language_is_asked_in_english() -> None:
    assert a_notice(language="pt-BR").language == "en"


def test_in_arabic_a_latin_name_stands_in_an_isolate() -> None:
    assert "\u2068Mikita\u2069" in a_notice(language="ar").subject
