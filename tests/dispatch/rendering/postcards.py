"""Postcards for the tests, and pictures of our own making: a meadow, a sky and a sun."""

import io
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw

from services.dispatch.rendering.cards import A6
from services.dispatch.rendering.postcard import PostcardRequest
from tests.dispatch.rendering.letters import ADDRESS, SAMPLES, a_composition, a_paragraph

PICTURE = "meadow.png"


def a_picture(size: tuple[int, int] = (1920, 1440), mode: str = "RGB") -> Image.Image:
    """Of 4:3, large enough for either card."""
    wide, high = size
    image = Image.new("RGB", size, "#cfe6f2")
    draw = ImageDraw.Draw(image)
    draw.ellipse((wide * 0.66, high * 0.1, wide * 0.86, high * 0.1 + wide * 0.2), fill="#f2b632")
    draw.ellipse((-wide * 0.3, high * 0.55, wide * 0.7, high * 1.6), fill="#4d8b55")
    draw.ellipse((wide * 0.3, high * 0.68, wide * 1.4, high * 1.7), fill="#2f6b4f")
    draw.rectangle((0, 0, wide - 1, high - 1), outline="#b23a48", width=20)
    return image.convert(mode)


def as_file(image: Image.Image, kind: str = "PNG", **how: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **how)
    return out.getvalue()


def put_picture(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / PICTURE).write_bytes(as_file(a_picture()))
    return folder


def a_card(language: str = "en", **changes: Any) -> PostcardRequest:
    """A card of a few lines; the changes are the request's, or its composition's."""
    words = SAMPLES[language]
    fields: dict[str, Any] = {
        "picture": PICTURE,
        "card": A6,
        "address": ADDRESS,
        "sender": "Writ, 12 Example Street, Dublin",
    }
    own = {name: changes.pop(name) for name in fields.keys() & changes.keys()}
    said = (words.greeting, f"{words.first} {words.second}", words.closing)
    blocks = tuple(map(a_paragraph, said))
    composition = a_composition(language, **{"blocks": blocks, **changes})
    return PostcardRequest(composition=composition, **(fields | own))
