"""Makes a file the picture of a postcard: checked, cut to the card's shape, without what it tells.

In: a JPEG or PNG below a folder of ours.  Out: a JPEG in sRGB of exactly the card's size with its
bleed, 300 dots an inch.  Where and by whom it was taken (EXIF) stays behind: a card travels far.
"""

import io
from pathlib import Path
from typing import Final

from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from services.dispatch.rendering.cards import INCH, Card
from services.dispatch.rendering.faults import LetterFault

DPI: Final = 300  # vendors refuse less (Lob: invalid_image_dpi)
MOST_BYTES: Final = 30_000_000
MOST_PIXELS: Final = 60_000_000  # a large camera's; 180 MB when it is open
MOST_CUT: Final = 0.25  # of a side: a photo of 16:9 fits, a square one or an upright one does not
QUALITY: Final = 92
_FORMATS: Final = ("JPEG", "PNG")
_MODES: Final = frozenset({"1", "L", "LA", "P", "RGB", "RGBA"})  # no CMYK, nothing of 16 bits


class PictureUnfit(LetterFault):
    """The picture of a postcard needs an edit; the message says what is wrong with it."""


def read_picture(root: Path, name: str) -> bytes:
    """The file `name` below `root`, and no other.  Raises PictureUnfit."""
    path = (root / name).resolve()
    if not path.is_relative_to(root.resolve()) or not path.is_file():
        raise PictureUnfit("there is no such picture")
    if (size := path.stat().st_size) > MOST_BYTES:
        raise PictureUnfit(f"a file of {size} bytes, where at most {MOST_BYTES} are opened")
    return path.read_bytes()


def fit_picture(content: bytes, card: Card) -> bytes:
    """The picture as it is printed; the same content gives the same bytes.  Raises PictureUnfit."""
    wide, high = (round((side + 2 * card.bleed) / INCH * DPI) for side in (card.width, card.height))
    try:
        with Image.open(io.BytesIO(content), formats=_FORMATS) as image:
            _check_form(image)
            upright = ImageOps.exif_transpose(image)
            _check_size(upright, wide, high)
            whole = _in_srgb(upright)
    except (UnidentifiedImageError, OSError, SyntaxError, Image.DecompressionBombError):
        raise PictureUnfit("the file is no JPEG or PNG that can be opened") from None
    fitted = ImageOps.fit(whole, (wide, high), Image.Resampling.LANCZOS)
    fitted.info.clear()  # else Pillow would write a comment on
    out = io.BytesIO()
    fitted.save(out, "JPEG", quality=QUALITY, subsampling=0, dpi=(DPI, DPI))
    return out.getvalue()


def _check_form(image: Image.Image) -> None:
    if image.mode not in _MODES:
        raise PictureUnfit(f"its colours are {image.mode}; RGB or grey of 8 bits can be printed")
    if image.width * image.height > MOST_PIXELS:
        raise PictureUnfit(f"{image.width} by {image.height} pixels are too many to open")


def _check_size(image: Image.Image, wide: int, high: int) -> None:
    if image.width < wide or image.height < high:
        raise PictureUnfit(
            f"{image.width} by {image.height} pixels; {DPI} dots an inch need {wide} by {high}"
        )
    shape = image.width * high / (image.height * wide)
    if (cut := 1 - min(shape, 1 / shape)) > MOST_CUT:
        raise PictureUnfit(f"{cut:.0%} of it would be cut off; its shape must be nearer the card's")


def _in_srgb(image: Image.Image) -> Image.Image:
    """What is transparent becomes white paper; a profile of the camera's becomes sRGB."""
    if image.mode in {"LA", "P", "RGBA"}:
        layer = image.convert("RGBA")
        paper = Image.new("RGBA", layer.size, "white")
        return Image.alpha_composite(paper, layer).convert("RGB")
    profile = image.info.get("icc_profile")
    plain = image.convert("RGB")
    if not profile or image.mode != "RGB":
        return plain
    try:
        converted = ImageCms.profileToProfile(
            plain,
            ImageCms.ImageCmsProfile(io.BytesIO(profile)),
            ImageCms.createProfile("sRGB"),
        )
    except (ImageCms.PyCMSError, OSError):
        return plain  # the profile is broken: its colours are taken as most programs take them
    return converted or plain
