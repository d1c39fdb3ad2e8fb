"""Writes a composition as an email: subject, plain text and HTML.

The text is made first and stands alone; the HTML says the same with a little more air.  The HTML
comes from this project's own template in Jinja2's sandbox, escaped; no campaign's or supporter's
text is ever compiled.
"""

import html
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from jinja2 import FileSystemLoader, StrictUndefined, Template
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from services.dispatch.rendering.compose import Block, Bullets, Composition, Span

_LINK = "color:inherit;overflow-wrap:anywhere"


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailText:
    subject: str
    text: str
    html: str


def write_email(composition: Composition, *, organiser: str) -> EmailText:
    """`organiser` is named in the footer: an office may ask who carries these letters."""
    page = _template().render(
        subject=composition.subject,
        language=composition.language,
        direction="rtl" if composition.right_to_left else "ltr",
        blocks=[_html_block(block) for block in composition.blocks],
        signature=composition.signature,
        reference=composition.reference,
        organiser=organiser,
    )
    return EmailText(subject=composition.subject, text=_text(composition, organiser), html=page)


def _text(composition: Composition, organiser: str) -> str:
    parts = [_text_block(block) for block in composition.blocks]
    if composition.signature:
        parts.append("\n".join(composition.signature))
    parts.append(f"-- \n{organiser} · {composition.reference}")
    return "\n\n".join(parts) + "\n"


def _text_block(block: Block) -> str:
    if not isinstance(block, Bullets):
        return _plain(block.spans)
    marks = (f"{n}. " if block.ordered else "- " for n in range(1, len(block.items) + 1))
    return "\n".join(mark + _plain(item) for mark, item in zip(marks, block.items, strict=True))


def _plain(spans: tuple[Span, ...]) -> str:
    return "".join(span.text for span in spans)


def _html_block(block: Block) -> Markup:
    if not isinstance(block, Bullets):
        return Markup(f'<p style="margin:0 0 16px">{"".join(_html(block.spans))}</p>')  # noqa: S704
    tag = "ol" if block.ordered else "ul"
    items = "".join(f"<li>{''.join(_html(item))}</li>" for item in block.items)
    return Markup(f'<{tag} style="margin:0 0 16px">{items}</{tag}>')  # noqa: S704  (escaped in _html)


def _html(spans: tuple[Span, ...]) -> Iterator[str]:
    for span in spans:
        text = html.escape(span.text).replace("\n", "<br>\n")
        text = f"<em>{text}</em>" if span.italic else text
        text = f'<a href="{text}" style="{_LINK}">{text}</a>' if span.link else text
        yield f"<strong>{text}</strong>" if span.bold else text


@lru_cache(maxsize=1)
def _template() -> Template:
    environment = ImmutableSandboxedEnvironment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("email.html.j2")
