"""Text and HTML say the same, and nothing a person typed becomes HTML."""

import re
from html import unescape
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.dispatch.rendering.compose import Bullets, Composition, Paragraph, Span
from services.dispatch.rendering.email import EmailText, write_email

TYPED = st.text(st.characters(exclude_categories=["Cs", "Cc"]) | st.just("\n"), max_size=60)


def written(*blocks: Paragraph | Bullets, **changes: object) -> EmailText:
    fields: dict[str, object] = {
        "subject": "About Mikita",
        "language": "en",
        "blocks": blocks,
        "signature": ("Ana", "Switzerland"),
        "reference": "r-1",
    }
    return write_email(Composition(**fields | changes), organiser="Friends")  # type: ignore[arg-type]


def said(html: str) -> str:
    """What a reader of the HTML sees, without white space."""
    body = html[html.index("<body") :]
    return "".join(unescape(re.sub("<[^>]*>", "", body)).split())


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        self.seen.extend(name for name, _ in attrs if name.startswith("on"))


def test_the_text_stands_alone() -> None:
    bullets = Bullets(((Span("a"),), (Span("b", bold=True),)), ordered=True)

    email = written(Paragraph((Span("Dear "), Span("you", italic=True))), bullets)

    assert email.text == "Dear you\n\n1. a\n2. b\n\nAna\nSwitzerland\n\n-- \nFriends · r-1\n"
    assert email.subject == "About Mikita"


def test_the_html_keeps_the_campaigns_stress() -> None:
    email = written(Paragraph((Span("a", bold=True), Span("b", italic=True), Span("c\nd"))))

    assert "<strong>a</strong><em>b</em>c<br>\nd</p>" in email.html


@pytest.mark.parametrize("typed", ["<b>x</b>", "<script>x</script>", "{{ x }}", "{% x %}", "\"&'"])
def test_what_was_typed_is_escaped_everywhere(typed: str) -> None:
    email = written(Paragraph((Span(typed),)), signature=(typed,), subject=typed)

    tags = Tags()
    tags.feed(email.html)
    assert not {"b", "script"} & set(tags.seen)
    assert said(email.html).count("".join(typed.split())) == 2
    assert typed in email.text


@pytest.mark.parametrize(("language", "direction"), [("ar", "rtl"), ("uk", "ltr")])
def test_a_page_says_its_language_and_direction(language: str, direction: str) -> None:
    assert f'<html lang="{language}" dir="{direction}">' in written(language=language).html


def test_what_a_supporter_typed_runs_in_its_own_direction() -> None:
    typed, ours = Paragraph((Span("Free him."),), typed=True), Paragraph((Span("سيدي"),))

    html = written(ours, typed, language="ar").html

    assert '<p style="margin:0 0 16px" dir="auto">Free him.</p>' in html
    assert '<p style="margin:0 0 16px">سيدي</p>' in html


def test_without_consent_nobody_signs() -> None:
    email = written(Paragraph((Span("x"),)), signature=())

    assert email.text == "x\n\n-- \nFriends · r-1\n"
    assert "bdi" in email.html


@given(st.lists(TYPED, min_size=1, max_size=4), TYPED)
def test_text_and_html_say_the_same(typed: list[str], name: str) -> None:
    email = written(*(Paragraph((Span(one),)) for one in typed), signature=(name,))

    without_mark = email.text.replace("\n-- \n", "\n")
    assert said(email.html) == "".join(without_mark.split())
