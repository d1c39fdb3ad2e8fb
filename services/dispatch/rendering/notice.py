"""Composes the email that asks a supporter: was this you?

In: a link, and what was done; the words are notice.json's.  Out: a composition, so that it looks
like every other email of the campaign.  Nothing in it was typed by whoever gave the address: nobody
can make Writ carry words of theirs to a stranger.
"""

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from services.dispatch.rendering.compose import Composition, Paragraph, Span
from shared import spoken

REMIND = "remind"


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeText:
    """Everything that the email says besides its own words."""

    notice: str  # confirm or remind
    language: str  # as the action names it
    link: str
    campaign: str
    case: str
    kind: str
    channel: str
    occurred_at: dt.datetime
    until: dt.datetime  # the link works
    reference: str


def compose_notice(told: NoticeText) -> Composition:
    language = spoken.language_of(told.language)
    say = _words()[language]
    done = (
        Span(spoken.deed(told.kind, told.channel, language)),
        Span("\n"),
        Span(_apart(told.case, language), bold=True),
        Span(f"\n{_apart(spoken.day(told.occurred_at, language), language)}"),
    )
    until = _apart(spoken.minute(told.until, language), language)
    paragraphs = [
        (Span(say["hello"]),),
        *([(Span(say["again"]),)] if told.notice == REMIND else []),
        (Span(say["asked"].format(campaign=_apart(told.campaign, language))),),
        done,
        (Span(say["ask"]),),
        (Span(told.link, link=True),),
        (Span(say["otherwise"]),),
        (Span(say["until"].format(until=until)),),
    ]
    return Composition(
        subject=say[told.notice].format(case=_apart(told.case, language)),
        language=language,
        blocks=tuple(Paragraph(spans) for spans in paragraphs),
        signature=(),
        reference=told.reference,
    )


def _apart(value: str, language: str) -> str:
    """In an Arabic line a Latin name stands in an isolate (UAX #9), or it would jumble the rest."""
    return f"\u2068{value}\u2069" if spoken.is_right_to_left(language) else value


@cache
def _words() -> Mapping[str, Mapping[str, str]]:
    text = Path(__file__).with_name("notice.json").read_text(encoding="utf-8")
    found: Mapping[str, Mapping[str, str]] = json.loads(text)
    return found
