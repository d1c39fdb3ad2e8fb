"""Puts an action's words into its case's text: one composition, for the screen and for paper.

In: a catalogue template, a supporter's words, a holder.  Out: `Composition`, plain data.
Campaign text is parsed once; what supporters typed is put in afterwards, as data, and is never
read as markup or as a template.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode

from services.dispatch.rendering.scripts import RTL
from shared.catalogue import PLACEHOLDER, Template

_BLANK_LINE = re.compile(r"\n\s*\n")


@dataclass(frozen=True, slots=True)
class Span:
    text: str
    bold: bool = False
    italic: bool = False
    link: bool = False  # the text is an address on the web; only emails know it


@dataclass(frozen=True, slots=True)
class Paragraph:
    spans: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Bullets:
    items: tuple[tuple[Span, ...], ...]
    ordered: bool = False


Block = Paragraph | Bullets


@dataclass(frozen=True, slots=True, kw_only=True)
class Composition:
    """A whole message, its greeting and closing among the blocks; `signature` follows them."""

    subject: str
    language: str
    blocks: tuple[Block, ...]
    signature: tuple[str, ...]  # name and country, one a line; empty where not consented
    reference: str  # short, printed small: finds the delivery again

    @property
    def right_to_left(self) -> bool:
        return self.language.split("-")[0] in RTL


def compose(
    template: Template,
    values: Mapping[str, str],
    *,
    words: str,
    signature: tuple[str, ...],
    reference: str,
) -> Composition:
    """Fills the placeholders (shared/catalogue.py lists them) and sets the words in their place.

    A placeholder without a value prints nothing; the pack check refuses unknown ones.
    """
    blocks = tuple(_filled(_parsed(template.body), values, words))
    return Composition(
        subject=_fill(template.subject, values),
        language=template.language,
        blocks=blocks,
        signature=signature,
        reference=reference,
    )


def _filled(blocks: tuple[Block, ...], values: Mapping[str, str], words: str) -> Iterator[Block]:
    for block in blocks:
        if isinstance(block, Bullets):
            items = tuple(_fill_spans(item, values) for item in block.items)
            yield Bullets(items, ordered=block.ordered)
        elif _is_words(block):
            yield from _paragraphs(words)
        else:
            yield Paragraph(_fill_spans(block.spans, values))


def _is_words(block: Paragraph) -> bool:
    text = "".join(span.text for span in block.spans).strip()
    found = PLACEHOLDER.fullmatch(text)
    return found is not None and found[1] == "words"


def _paragraphs(words: str) -> Iterator[Paragraph]:
    """The supporter's words as typed: blank lines part paragraphs, single ones stay line breaks."""
    for part in _BLANK_LINE.split(words.strip()):
        if part.strip():
            yield Paragraph((Span(part.strip()),))


def _fill_spans(spans: tuple[Span, ...], values: Mapping[str, str]) -> tuple[Span, ...]:
    return tuple(
        Span(_fill(span.text, values), bold=span.bold, italic=span.italic) for span in spans
    )


def _fill(text: str, values: Mapping[str, str]) -> str:
    return PLACEHOLDER.sub(lambda found: values.get(found[1], ""), text)


@lru_cache(maxsize=512)
def _parsed(body: str) -> tuple[Block, ...]:
    tree = SyntaxTreeNode(MarkdownIt("commonmark").parse(body))
    return tuple(_block(node) for node in tree.children)


def _block(node: SyntaxTreeNode) -> Block:
    if node.type in {"bullet_list", "ordered_list"}:
        items = tuple(tuple(_spans(item)) for item in node.children)
        return Bullets(items, ordered=node.type == "ordered_list")
    return Paragraph(tuple(_spans(node)))


def _spans(node: SyntaxTreeNode, *, bold: bool = False, italic: bool = False) -> Iterator[Span]:
    """The text below a node.  A line break within a paragraph of a template is only a space."""
    if node.type == "text" and node.content:
        yield Span(node.content, bold=bold, italic=italic)
    elif node.type == "softbreak":
        yield Span(" ", bold=bold, italic=italic)
    elif node.type == "hardbreak":
        yield Span("\n", bold=bold, italic=italic)
    for child in node.children:
        yield from _spans(
            child, bold=bold or child.type == "strong", italic=italic or child.type == "em"
        )
