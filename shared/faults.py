"""Faults of a request, found by verbs that know no web: all of them at once, each with its place.

`Refused` carries them up; the HTTP layer answers it as 422 with the pointers.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with a request: where (an RFC 6901 pointer into the body), what, in words.

    A fault of a query parameter or a header points to its name: `?limit`.
    """

    pointer: str
    code: str  # a snake_case word that does not change
    detail: str  # for people; never quotes what a person wrote


class Refused(Exception):
    """A request cannot be taken as it is, and nothing was stored."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__(", ".join(sorted({one.code for one in faults})))
        self.faults = tuple(faults)


@dataclass(slots=True)
class Faults:
    """Collects every fault, so that a caller hears of all of them at once."""

    found: list[Fault] = field(default_factory=list)

    def add(self, pointer: str, code: str, detail: str) -> None:
        self.found.append(Fault(pointer, code, detail))

    def raise_any(self) -> None:
        """Raises Refused when there is a fault."""
        if self.found:
            raise Refused(self.found)
