"""One text of a pack: a subject in front, then light Markdown that only ever fills in placeholders.

Campaign text is never a program and never a web page: paragraphs, lists, bold and italic, and the
placeholders of `shared.catalogue`.  In: a `Source`.  Out: `TemplateText`, and every fault in it.
"""

import difflib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from markdown_it import MarkdownIt
from markdown_it.token import Token

from services.intake.packs.source import Fault, Source
from shared.catalogue import PLACEHOLDER, PLACEHOLDERS

MAX_SUBJECT = 150  # characters, with the case's name filled in

_FENCE = "---"
_WORDS = re.compile(r"\{\{\s*words\s*\}\}")
_SALUTATION = re.compile(r"\{\{\s*salutation\s*\}\}")
_BRACE = re.compile(r"\{%|\{#|\{\{|\}\}")
_LOOSE_NAME = re.compile(r"\{\{([^{}]*)\}\}")
_BLOCKS = {"paragraph", "bullet_list", "ordered_list", "list_item"}
_INLINE = {"text", "softbreak", "strong", "em"}
_CALLED = {
    "heading": "a heading",
    "html_block": "HTML",
    "html_inline": "HTML",
    "link": "a link",
    "image": "an image",
    "fence": "a code block",
    "code_block": "an indented code block",
    "code_inline": "code",
    "blockquote": "a quotation block",
    "hr": "a rule",
    "hardbreak": "a forced line break",
}


@dataclass(frozen=True, slots=True)
class TemplateText:
    subject: str
    body: str


def read_template(source: Source, *, case_name: str) -> tuple[TemplateText | None, list[Fault]]:
    """Read one text.  `case_name` is what `{{ case }}` will say, for the subject's length."""
    lines = source.text.split("\n")
    ends = [n for n, line in enumerate(lines) if line.rstrip() == _FENCE]
    if len(ends) < 2 or ends[0] != 0:
        why = "start with three lines: `---`, `subject: …`, `---`"
        return None, [source.fault(1, why)]
    end = ends[1]
    subject, faults = _front_matter(source, lines[1:end], case_name)
    body = "\n".join(lines[end + 1 :])
    faults += _Body(source, body, first_line=end + 2).faults()
    return TemplateText(subject, body.strip() + "\n"), faults


def _front_matter(source: Source, lines: Sequence[str], case_name: str) -> tuple[str, list[Fault]]:
    subject, at, faults = "", 1, []
    for number, line in enumerate(lines, start=2):
        key, _, value = line.partition(":")
        if key.strip() == "subject":
            subject, at = value.strip(), number
        elif line.strip():
            faults.append(source.fault(number, f"unknown key `{key.strip()}`; only `subject`"))
    faults += [source.fault(at, why) for why in _subject_faults(subject, case_name)]
    return subject, faults


def _subject_faults(subject: str, case_name: str) -> Iterator[str]:
    if not subject:
        yield "the subject is missing or empty"
    if subject[:1] in {'"', "'"} and subject[-1] == subject[0]:
        yield "write the subject without quotation marks around it"
    filled = PLACEHOLDER.sub(lambda m: case_name if m[1] == "case" else m[0], subject)
    if _BRACE.search(filled):
        yield "a subject may hold no placeholder but {{ case }}"
    elif len(filled) > MAX_SUBJECT:
        yield f"the subject has {len(filled)} characters; at most {MAX_SUBJECT} are shown"


class _Body:
    """The checks of one body; lines are counted in the file, not in the body."""

    def __init__(self, source: Source, body: str, *, first_line: int) -> None:
        self._source = source
        self._body = body
        self._first = first_line
        self._tokens = MarkdownIt("commonmark").parse(body)

    def faults(self) -> Iterator[Fault]:
        for line, text in self._texts():
            yield from (self._fault(line, why) for why in _brace_faults(text))
        yield from self._words()
        yield from self._salutation()
        yield from self._markdown()

    def _fault(self, body_line: int, message: str) -> Fault:
        return self._source.fault(self._first + body_line, message)

    def _inline(self) -> Iterator[tuple[int, Token]]:
        """Every inline token with its line: text, bold, a link …"""
        for token in self._tokens:
            line = token.map[0] if token.map else 0
            for child in token.children or []:
                yield line, child
                line += child.type in {"softbreak", "hardbreak"}

    def _texts(self) -> Iterator[tuple[int, str]]:
        """The text as rendering sees it, after Markdown: an escaped brace is a brace here."""
        return ((line, child.content) for line, child in self._inline() if child.type == "text")

    def _words(self) -> Iterator[Fault]:
        found = [line for line, text in self._texts() for _ in _WORDS.finditer(text)]
        if not found:
            yield self._fault(0, "{{ words }} is missing: the supporter's own words need a place")
        for line in found[1:]:
            yield self._fault(line, "{{ words }} stands here a second time; it may stand once")
        # Level 1 is a paragraph of the text itself, not of a list's item.
        alone = (t for t in self._tokens if t.type == "inline" and t.level == 1)
        if len(found) == 1 and not any(_WORDS.fullmatch(token.content) for token in alone):
            yield self._fault(found[0], "{{ words }} must be a paragraph of its own")

    def _salutation(self) -> Iterator[Fault]:
        opening = next((token for token in self._tokens if token.type == "inline"), None)
        if opening is None or opening.level > 1 or not _SALUTATION.search(opening.content):
            line = opening.map[0] if opening is not None and opening.map else 0
            yield self._fault(line, "the first paragraph must hold {{ salutation }}")

    def _markdown(self) -> Iterator[Fault]:
        paragraphs = 0  # in the list's item that is being read
        for token in self._tokens:
            line = token.map[0] if token.map else 0
            if reason := _block_fault(token):
                yield self._fault(line, reason)
            if token.type == "list_item_open":
                paragraphs = 0
            elif token.type == "paragraph_open" and token.level:
                paragraphs += 1
                if paragraphs == 2:
                    yield self._fault(line, "a second paragraph inside a list's item")
        for line, child in self._inline():
            name = child.type.removesuffix("_open")
            if name not in _INLINE and not name.endswith("_close"):
                yield self._fault(line, _not_allowed(name))


def _block_fault(token: Token) -> str | None:
    if token.type == "inline" or token.type.endswith("_close"):
        return None
    name = token.type.removesuffix("_open")
    if name not in _BLOCKS:
        return _not_allowed(name)
    if name.endswith("_list") and token.level:
        return "a list inside a list: write one flat list"
    return None


def _not_allowed(name: str) -> str:
    called = _CALLED.get(name, name)
    return f"{called} may not stand here; only paragraphs, lists, bold and italic"


def _brace_faults(text: str) -> Iterator[str]:
    """What is wrong with the braces of one line, once the known placeholders are taken out."""
    rest = PLACEHOLDER.sub(lambda m: "" if m[1] in PLACEHOLDERS else m[0], text)
    for loose in _LOOSE_NAME.finditer(rest):
        name = loose[1].strip()
        close = difflib.get_close_matches(name, PLACEHOLDERS, n=1)
        hint = f"did you mean `{close[0]}`?" if close else f"known: {', '.join(PLACEHOLDERS)}"
        yield f"unknown placeholder `{name}`; {hint}"
    for brace in _BRACE.finditer(_LOOSE_NAME.sub("", rest)):
        yield {
            "{{": "`{{` without its `}}` on the same line",
            "}}": "`}}` without its `{{` on the same line",
        }.get(brace[0], f"`{brace[0]}`: a text is filled in, it cannot compute")
