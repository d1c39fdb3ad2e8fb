"""Writes a composition as an email: subject, plain text and HTML.

The text is made first and stands alone; the HTML says the same with a little more air.  The HTML
comes from this project's own template in Jinja2's sandbox, escaped; no campaign's or supporter's
text is ever compiled.
"""

import html
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from services.dispatch.rendering.compose import Block, Bullets, Composition, Span
from services.dispatch.rendering.mime import one_line

_LINK = "color:inherit;overflow-wrap:anywhere"


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailText:
    subject: str
    text: str
    html: str


def write_email(composition: Composition, *, organiser: str) -> EmailText:
    """`organiser` is named in the footer: an office may ask who carries these letters."""
    text = [text_block(block) for block in composition.blocks]
    blocks = [html_block(block) for block in composition.blocks]
    return in_frame(composition, text, blocks, organiser=organiser)


def in_frame(
    composition: Composition, text: Sequence[str], blocks: Sequence[Markup], *, organiser: str
) -> EmailText:
    """The blocks of an email, each in both forms, with subject, signature and footer around."""
    page = template("email.html.j2").render(
        subject=composition.subject,
        language=composition.language,
        direction="rtl" if composition.right_to_left else "ltr",
        blocks=blocks,
        signature=composition.signature,
        reference=composition.reference,
        organiser=organiser,
    )
    signed = ["\n".join(composition.signature)] if composition.signature else []
    footer = f"-- \n{organiser} · {composition.reference}"
    plain = "\n\n".join([*text, *signed, footer]) + "\n"
    return EmailText(subject=one_line(composition.subject), text=plain, html=page)


def text_block(block: Block) -> str:
    if not isinstance(block, Bullets):
        return _plain(block.spans)
    marks = (f"{n}. " if block.ordered else "- " for n in range(1, len(block.items) + 1))
    return "\n".join(mark + _plain(item) for mark, item in zip(marks, block.items, strict=True))


def _plain(spans: tuple[Span, ...]) -> str:
    return "".join(span.text for span in spans)


def html_block(block: Block) -> Markup:
    if not isinstance(block, Bullets):
        own = ' dir="auto"' if block.typed else ""
        text = "".join(_html(block.spans))
        return Markup(f'<p style="margin:0 0 16px"{own}>{text}</p>')  # noqa: S704  (escaped in _html)
    tag = "ol" if block.ordered else "ul"
    items = "".join(f"<li>{''.join(_html(item))}</li>" for item in block.items)
    return Markup(f'<{tag} style="margin:0 0 16px">{items}</{tag}>')  # noqa: S704  (escaped in _html)


def _html(spans: tuple[Span, ...]) -> Iterator[str]:
    for span in spans:
        text = html.escape(span.text).replace("\n", "<br>\n")
        text = f"<em>{text}</em>" if span.italic else text
        text = f'<a href="{text}" style="{_LINK}">{text}</a>' if span.link else text
        yield f"<strong>{text}</strong>" if span.bold else text


@cache
def template(name: str) -> Template:
    """A template of this folder, compiled once."""
    return _environment().get_template(name)


@cache
def _environment() -> Environment:
    return ImmutableSandboxedEnvironment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
