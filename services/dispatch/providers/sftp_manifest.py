"""Any print house that takes batches of letters by SFTP: PDFs, and a manifest that lists them.

An order puts the letter into the open batch on our own disk; `writ print-batches` closes that at
the house's cut-off and brings it there (batches/send.py).  The delivery's id is the letter's file
name in its batch, so a repeat finds the letter where it is.  Until its batch is closed it can be
taken out again.
"""

import hashlib
from pathlib import Path
from uuid import UUID

from services.dispatch.providers.batches.house import House
from services.dispatch.providers.batches.manifest import Piece, Unwritable, check
from services.dispatch.providers.batches.tray import NotFiled, Tray
from services.dispatch.providers.capability import (
    AddressMode,
    Capability,
    Format,
    Grain,
    Price,
    Repeat,
)
from services.dispatch.providers.contract import Letter, Refused, Taken, TryLater, Unclear
from shared.clock import Clock

FOLDER = "sftp_manifest"  # below WRIT_DATA_DIR

CAPABILITY = Capability(
    most_pages={Format.A4: 10},  # five sheets, as many as a small envelope holds
    most_mb=10,
    address=AddressMode.FIELDS,
    most_lines=6,
    most_columns=40,
    cancel_s=0,  # none is promised: until its batch is closed, see `cancel`
    repeat=Repeat.REFERENCE,
    price=Price.RATE_CARD,
    grain=Grain.PIECE,
    source="deploy/print-house.toml, and the house's own contract",
)


class SftpManifest:
    name = "sftp_manifest"

    def __init__(self, data_dir: Path, house: House, *, clock: Clock) -> None:
        self._tray = Tray(data_dir / FOLDER, house)
        self._house = house
        self._clock = clock

    def order(self, letter: Letter) -> Taken:
        if not CAPABILITY.prints(letter.format, letter.pages):
            raise Refused(f"{letter.pages} pages of {letter.format} go into no batch")
        piece = Piece(
            delivery_id=letter.delivery_id,
            pages=letter.pages,
            bytes=len(letter.pdf),
            sha256=hashlib.sha256(letter.pdf).hexdigest(),
            country=letter.country,
            lines=letter.lines,
        )
        try:
            check(piece, self._house)
            batch = self._tray.file(piece, letter.pdf, self._clock())
        except Unwritable as error:
            raise Refused(str(error)) from error
        except NotFiled as error:
            raise TryLater(f"no batch could take it: {error}") from error
        except OSError as error:
            raise Unclear(f"it may be in its batch: {type(error).__name__}") from error
        return _taken(batch, letter.delivery_id)

    def find(self, delivery_id: UUID) -> Taken | None:
        try:
            batch = self._tray.find(delivery_id)
        except OSError as error:
            raise Unclear(f"the batches cannot be read: {type(error).__name__}") from error
        return _taken(batch, delivery_id) if batch else None

    def cancel(self, delivery_id: UUID) -> bool:
        """Whether it was taken out of its batch; False: that is closed, or never had it."""
        try:
            return self._tray.take_out(delivery_id)
        except OSError as error:
            raise Unclear(f"it may still be in its batch: {type(error).__name__}") from error


def _taken(batch: str, delivery_id: UUID) -> Taken:
    return Taken(provider_id=f"{batch}/{delivery_id}")
