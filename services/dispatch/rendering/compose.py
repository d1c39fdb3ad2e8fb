"""Puts an action's words into its case's text: one composition, for the screen and for paper.

In: a catalogue template, a supporter's words, a holder.  Out: `Composition`, plain data.
Campaign text is parsed once; what supporters typed is put in afterwards, as data, and is never
read as markup or as a template.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
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
    typed: bool = field(default=False, compare=False)  # by a supporter, in whatever direction


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


def _filled(parts: tuple["_Part", ...], values: Mapping[str, str], words: str) -> Iterator[Block]:
    for part in parts:
        block = part.block
        if part.is_words:
            yield from (Paragraph((Span(one),), typed=True) for one in paragraphs(words))
        elif part.is_fixed:
            yield block
        elif isinstance(block, Bullets):
            items = tuple(_fill_spans(item, values) for item in block.items)
            yield Bullets(items, ordered=block.ordered)
        else:
            yield Paragraph(_fill_spans(block.spans, values))


def paragraphs(words: str) -> Iterator[str]:
    """The supporter's words as typed: blank lines part paragraphs, single ones stay line breaks."""
    return (part.strip() for part in _BLANK_LINE.split(words) if part.strip())


def _fill_spans(spans: tuple[Span, ...], values: Mapping[str, str]) -> tuple[Span, ...]:
    return tuple(
        Span(_fill(span.text, values), bold=span.bold, italic=span.italic) for span in spans
    )


def _fill(text: str, values: Mapping[str, str]) -> str:
    return PLACEHOLDER.sub(lambda found: values.get(found[1], ""), text)


@dataclass(frozen=True, slots=True)
class _Part:
    """A block of a template, and what is known of it for every message."""

    block: Block
    is_words: bool  # the place of the supporter's words
    is_fixed: bool  # no placeholder: it says the same in every message


@lru_cache(maxsize=512)
def _parsed(body: str) -> tuple[_Part, ...]:
    tree = SyntaxTreeNode(MarkdownIt("commonmark").parse(body))
    return tuple(_part(_block(node)) for node in tree.children)


def _part(block: Block) -> _Part:
    lines = block.items if isinstance(block, Bullets) else (block.spans,)
    text = "".join(span.text for line in lines for span in line).strip()
    only = PLACEHOLDER.fullmatch(text)
    return _Part(
        block=block,
        is_words=isinstance(block, Paragraph) and only is not None and only[1] == "words",
        is_fixed=not any(PLACEHOLDER.search(span.text) for line in lines for span in line),
    )


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
