"""Writes a digest: one email that carries what many people sent to one office.

In: the composition of the case's own text, and an `Entry` for each action.  Out: subject, text and
HTML; a short digest says everything there.  A long one shows its totals and the first, and binds
the rest in a file (digest_pages.py): every action stands in one of the two, once, and is traceable.
"""

import datetime as dt
import itertools
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from markupsafe import Markup

from services.dispatch.rendering.compose import (
    Block,
    Composition,
    Paragraph,
    Span,
    paragraphs,
)
from services.dispatch.rendering.digest_pages import Heading, bind
from services.dispatch.rendering.email import (
    EmailText,
    html_block,
    in_frame,
    template,
    text_block,
)
from services.dispatch.rendering.entries import Entry, Row
from services.dispatch.rendering.faults import LetterFault
from services.dispatch.rendering.phrases import Phrases, phrases_for
from services.dispatch.rendering.scripts import LRI, PDI
from shared import spoken

LONG: Final = 40  # actions; more do not fit an email that somebody reads
FIRST: Final = 10  # of a long digest stand in the email itself
MOST_CHARACTERS: Final = 40_000  # of words in the email: Gmail cuts a page after 102 kB
_INDENT: Final = "    "  # so that nobody's words look like the next number


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest:
    letter: Composition  # the case's own text, without anybody's words; its subject is not used
    salutation: str
    kind: str  # appeal or solidarity
    case: str
    organiser: str  # who gathered these actions
    people: int  # who sent them; somebody may have sent two
    entries: Sequence[Entry]
    now: dt.datetime


@dataclass(frozen=True, slots=True)
class DigestFile:
    """Those that the email itself does not show: a PDF/A, or where that grows too large, text."""

    content: bytes
    content_type: str
    ending: str


@dataclass(frozen=True, slots=True)
class WrittenDigest:
    email: EmailText
    file: DigestFile | None


def write_digest(told: Digest, *, sender: str) -> WrittenDigest:
    """`sender` is named in the footer.  Raises LetterFault where the pages cannot be set."""
    say = phrases_for(told.letter.language)
    rows = [
        Row(number, say.who(entry.name, entry.country), entry)
        for number, entry in enumerate(told.entries, 1)
    ]
    shown = _shown(told.entries)
    subject = say.number_of(told.kind, told.people, case=told.case)
    told = replace(told, letter=replace(told.letter, subject=subject, signature=()))
    email = _email(told, rows, shown, sender=sender)
    return WrittenDigest(email, _bound(told, rows[shown:]))


def _bound(told: Digest, rest: Sequence[Row]) -> DigestFile | None:
    """A line of Arabic takes five times its bytes in a PDF; as text, everything fits."""
    if not rest:
        return None
    say, letter = phrases_for(told.letter.language), told.letter
    numbers = f"{rest[0].number}\u2013{rest[-1].number}"
    heading = Heading(
        title=letter.subject,
        lines=(told.organiser, spoken.day(told.now, say.language), numbers),
        language=say.language,
        reference=letter.reference,
    )
    try:
        return DigestFile(bind(heading, rest), "application/pdf", "pdf")
    except LetterFault:  # one of thousands that cannot be set keeps no other back
        above = "\n".join((heading.title, *heading.lines))
        text = "\n\n".join((above, *(_text_row(row, say) for row in rest), heading.reference))
        # With a mark at its head, by which every reader knows the encoding.
        return DigestFile(f"{text}\n".encode("utf-8-sig"), "text/plain", "txt")


def _shown(entries: Sequence[Entry]) -> int:
    """How many of them stand in the email itself: all, or the first."""
    sizes = list(itertools.accumulate(len(entry.words or "") for entry in entries))
    if len(entries) <= LONG and sizes[-1] <= MOST_CHARACTERS:
        return len(entries)
    return sum(size <= MOST_CHARACTERS for size in sizes[:FIRST])


def _email(told: Digest, rows: Sequence[Row], shown: int, *, sender: str) -> EmailText:
    say = phrases_for(told.letter.language)
    salutation, letter = _opening(told.letter.blocks, told.salutation)
    said = [told.letter.subject, say.say("together", organiser=told.organiser)]
    if shown < len(rows):
        said.append(say.say("attached", first=shown + 1, last=len(rows)))
    totals = _totals(told.entries, say)
    text = [
        text_block(salutation),
        *said,
        say.say("letter"),
        *map(text_block, letter),
        f"{say.say('countries')} {totals}",
        *([say.say("people")] if shown else []),
        *(_text_row(row, say) for row in rows[:shown]),
    ]
    html = template("digest.html.j2").render(
        language=say.language,
        direction="rtl" if say.right_to_left else "ltr",
        say=say.say,
        said=said,
        letter=[html_block(block) for block in letter],
        totals=totals,
        rows=[
            (row, _reference(row, say), tuple(paragraphs(row.entry.words or "")))
            for row in rows[:shown]
        ],
    )
    blocks = [html_block(salutation), Markup(html)]  # noqa: S704  (escaped by Jinja)
    return in_frame(told.letter, text, blocks, organiser=sender)


def _opening(blocks: tuple[Block, ...], salutation: str) -> tuple[Block, tuple[Block, ...]]:
    """The salutation stands above what we say, the rest of the case's text below it."""
    if blocks and salutation in text_block(blocks[0]):
        return blocks[0], blocks[1:]
    return Paragraph((Span(salutation),)), blocks


def _totals(entries: Sequence[Entry], say: Phrases) -> str:
    """How many actions from which country, the most first; those who do not say, last."""
    counted = Counter(entry.country for entry in entries)
    untold = counted.pop(None, 0)
    named = [(say.country(country), n) for country, n in counted.items()]
    named.sort(key=lambda one: (-one[1], one[0]))
    if untold:
        named.append((say.country(None), untold))
    return " · ".join(say.say("total", country=country, n=n) for country, n in named)


def _text_row(row: Row, say: Phrases) -> str:
    lines = "\n\n".join(paragraphs(row.entry.words or "")).splitlines()
    words = (f"{_INDENT}{line}" if line else "" for line in lines)
    return "\n".join([f"{row.number}. {row.who} {_reference(row, say)}", *words])


def _reference(row: Row, say: Phrases) -> str:
    """In a line that runs from the right, its groups of digits would change their places."""
    reference = f"[{row.entry.reference}]"
    return f"{LRI}{reference}{PDI}" if say.right_to_left else reference
