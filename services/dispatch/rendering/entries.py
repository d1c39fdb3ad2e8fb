"""One action among the many of a digest."""

from dataclasses import dataclass, field
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What of an action a digest may show.  What was not consented to is not here."""

    reference: UUID  # the action's id
    name: str | None = field(repr=False)
    country: str | None  # ISO 3166-1 alpha-2
    words: str | None = field(repr=False)
    language: str  # in which the words were written


@dataclass(frozen=True, slots=True)
class Row:
    """An entry in its place: numbered from 1, its name and country in the office's language."""

    number: int
    who: str = field(repr=False)
    entry: Entry
