"""Opens what was handed over: the email or the letter that an attempt's `document` names.

In: a path as dispatch wrote it, below `documents/`.  Out: bytes, and an email's readable parts.
Nothing outside that folder is ever opened, whatever a path says.
"""

import io
from dataclasses import dataclass
from email import message_from_bytes, policy
from pathlib import Path
from typing import Self

from pikepdf import Pdf


class Documents:
    def __init__(self, data_dir: Path) -> None:
        self._root = (data_dir / "documents").resolve()

    def open(self, path: str | None) -> bytes | None:
        """None where there is no such document, or none that we may show."""
        if not path:
            return None
        found = (self._root / path).resolve()
        if not found.is_relative_to(self._root) or not found.is_file():
            return None
        return found.read_bytes()

    def email(self, path: str | None) -> "EmailParts | None":
        """The email at this path; None where there is none."""
        content = self.open(path) if path and path.endswith(".eml") else None
        return None if content is None else EmailParts.read(content)

    def page_count(self, path: str | None) -> int:
        """Pages of the letter at this path; 0 where there is none."""
        content = self.open(path) if path and path.endswith(".pdf") else None
        if content is None:
            return 0
        with Pdf.open(io.BytesIO(content)) as pdf:
            return len(pdf.pages)


@dataclass(frozen=True, slots=True)
class EmailParts:
    """An email as a reader would see it."""

    headers: tuple[tuple[str, str], ...]
    text: str
    html: str

    @classmethod
    def read(cls, eml: bytes) -> Self:
        message = message_from_bytes(eml, policy=policy.default)
        bodies = (message.get_body((kind,)) for kind in ("plain", "html"))
        text, html = (str(body.get_content()) if body is not None else "" for body in bodies)
        shown = ((name, message[name]) for name in ("Subject", "From", "To", "Reply-To"))
        return cls(tuple((name, str(value)) for name, value in shown if value), text, html)
