"""Sets each letter alone, as it would leave by itself, and keeps what it was set from.

In: letters, each with an id.  Out: how many pages each has, and its data for letter.typ; or why it
cannot be set.  A letter that goes into a parcel is checked here, as any other is.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

from pydantic_core import to_json

from services.dispatch.rendering.faults import LetterFault
from services.dispatch.rendering.letter import LetterPress, LetterRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class OneOfMany:
    """A letter among the others of a parcel.  What was not consented to is not here."""

    id: UUID
    letter: LetterRequest = field(repr=False)
    name: str | None = field(repr=False)
    country: str | None  # ISO 3166-1 alpha-2


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAlone:
    """A letter that can be printed."""

    one: OneOfMany
    pages: int
    data: str = field(repr=False)  # JSON, as letter.typ reads it


class RememberingPress(LetterPress):
    """Sets letters one after the other; not from several threads at once."""

    def __init__(self, workdir: Path) -> None:
        super().__init__(workdir)
        self._printed: list[tuple[bytes, object]] = []

    def print(self, name: str, data: object) -> bytes:
        pdf = super().print(name, data)
        self._printed.append((pdf, data))
        return pdf

    def typeset_known(self, request: LetterRequest) -> tuple[int, str]:
        """How many pages the letter has, and the JSON it was set from.  Raises LetterFault."""
        self._printed.clear()  # of one letter two sizes may have been tried
        letter = self.typeset(request)
        data = next(data for pdf, data in self._printed if pdf is letter.pdf)
        return letter.pages, to_json(data).decode()


def set_alone(
    letters: Iterable[OneOfMany], press: RememberingPress
) -> tuple[list[SetAlone], dict[UUID, LetterFault]]:
    """Those that can be printed, in their order, and why the others cannot."""
    ready, faults = [], {}
    for one in letters:
        try:
            pages, data = press.typeset_known(one.letter)
        except LetterFault as fault:
            faults[one.id] = fault
        else:
            ready.append(SetAlone(one=one, pages=pages, data=data))
    return ready, faults
