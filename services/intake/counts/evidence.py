"""Pictures that organisers send with a count: a pile of letters, a hall full of people.

Owns `evidence` in the table `reported_counts`.  In: a photograph as a phone took it.  Out: the same
picture, upright, as a JPEG of our own writing.  Nothing of the file that came is kept: neither
where and when it was taken, nor by whose phone, nor what else may hide in it.  Sealed at rest.

NoPicture     it does not open, or would take too much memory; the message says which
"""

import io
import threading
from typing import Final
from uuid import UUID

from PIL import Image, ImageOps
from sqlalchemy import Connection, select, update

from shared.privacy import Keyring
from shared.tables.writing_events import reported_counts

MOST_BYTES: Final = 10 * 1024 * 1024
LONGEST_EDGE: Final = 2_000  # pixels: handwriting can still be read
MEDIA: Final = {"image/jpeg": "JPEG", "image/png": "PNG", "image/webp": "WEBP"}
#: Of each, what takes 300 MB at most once opened, one at a time.  A JPEG opens at a smaller size.
MOST_PIXELS: Final = {"JPEG": 50_000_000, "PNG": 24_000_000, "WEBP": 24_000_000}
KEPT_AS: Final = "image/jpeg"
_QUALITY: Final = 85
_COLUMN: Final = "reported_counts.evidence"

_ONE_AT_A_TIME: Final = threading.Lock()


class NoPicture(Exception):
    """The message is for people, and names no file."""


class _TooManyPixels(Exception):
    pass


def developed(content: bytes, media_type: str) -> bytes:
    """The picture as JPEG, at most LONGEST_EDGE wide and high.  Raises NoPicture."""
    with _ONE_AT_A_TIME:
        form = MEDIA[media_type]
        try:
            return _developed(content, form)
        except (_TooManyPixels, Image.DecompressionBombError, Image.DecompressionBombWarning):
            said = f"The picture has more than {MOST_PIXELS[form]:,} pixels"
            raise NoPicture(said) from None
        except Exception as error:  # a hostile file finds the oddest ways to break its reader
            raise NoPicture(f"The picture cannot be opened: {type(error).__name__}") from None


def put(connection: Connection, keyring: Keyring, count_id: UUID, picture: bytes) -> None:
    """Keeps a developed picture, in place of an earlier one."""
    sealed = keyring.seal_bytes(picture, column=_COLUMN, row=count_id)
    connection.execute(
        update(reported_counts)
        .where(reported_counts.c.id == count_id)
        .values(evidence=sealed, evidence_type=KEPT_AS)
    )


def get(connection: Connection, keyring: Keyring, count_id: UUID) -> bytes | None:
    """None where there is none.  Raises Unreadable."""
    wanted = select(reported_counts.c.evidence).where(reported_counts.c.id == count_id)
    sealed = connection.scalar(wanted)
    return None if sealed is None else keyring.open_bytes(sealed, column=_COLUMN, row=count_id)


def _developed(content: bytes, form: str) -> bytes:
    with Image.open(io.BytesIO(content), formats=[form]) as picture:
        # Its size stands in the first bytes: nothing of it is unpacked yet.
        if picture.width * picture.height > MOST_PIXELS[form]:
            raise _TooManyPixels
        picture.draft("RGB", (LONGEST_EDGE, LONGEST_EDGE))  # a JPEG is unpacked smaller at once
        # Colours from a list cannot be mixed: they are spelled out before they are reduced.
        plain = picture.convert("RGBA") if picture.mode == "P" else picture
        plain.thumbnail((LONGEST_EDGE, LONGEST_EDGE))
        upright = ImageOps.exif_transpose(plain).convert("RGBA")
    # On paper of our own: what else the file held stays behind.
    paper = Image.new("RGB", upright.size, "white")
    paper.paste(upright, mask=upright)
    written = io.BytesIO()
    paper.save(written, format="JPEG", quality=_QUALITY, optimize=True)
    return written.getvalue()
