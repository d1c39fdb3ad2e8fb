"""Binds a petition for its handover: a cover letter, totals by country, and everybody's name.

In: the case's letter and the signatures.  Out: one PDF/A; the page of each number is known.
A signature whose signer did not agree to show a name is counted by country and not listed: a row
without a name proves no more than the total does, costs paper, and its place among the others could
tell who signed when.  The rows are set in parts (parts.py).  Faults: faults.py draws the tree.
"""

import itertools
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from services.dispatch.rendering.cover import covering
from services.dispatch.rendering.faults import Check, PageFault
from services.dispatch.rendering.inspection import inspect_file
from services.dispatch.rendering.letter import LetterPress, LetterRequest
from services.dispatch.rendering.listing import (
    Cell,
    Columns,
    Frame,
    Sheets,
)
from services.dispatch.rendering.parts import USUAL, Limits, join, set_parts
from services.dispatch.rendering.phrases import Phrases, phrases_for

TEMPLATE: Final = "petition.typ"
PAGES_A_PART: Final = 48  # about 4,800 names: a second and 200 MB


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """What of a signature a petition may show.  What was not consented to is not here."""

    name: str | None = field(repr=False)
    country: str | None  # ISO 3166-1 alpha-2


@dataclass(frozen=True, slots=True, kw_only=True)
class PetitionRequest:
    cover: LetterRequest  # the case's own text: its greeting first, its subject not used
    case: str  # whom it is about
    organiser: str  # who gathered the signatures
    signatures: Sequence[Signature]  # in the order in which the names are listed


@dataclass(frozen=True, slots=True, kw_only=True)
class Petition:
    """A petition ready to print: PDF/A-2u.  Names are numbered from 1, as they were given."""

    pdf: bytes
    pages: int
    signatures: int
    named: int
    first_page: int  # of the names, counted from 1
    names_a_page: int

    def page_of(self, number: int) -> int:
        """The page on which the name with this number stands."""
        if not 1 <= number <= self.named:
            raise IndexError(f"number {number} of {self.named} names")
        return self.first_page + (number - 1) // self.names_a_page


Progress = Callable[[int, int], object]
"""Is told how many pages are set, and of how many."""


def bind_petition(
    request: PetitionRequest,
    press: LetterPress,
    *,
    progress: Progress = lambda done, of: None,
    limits: Limits = USUAL,
) -> Petition:
    """The whole petition; the same request gives the same bytes.  Raises LetterFault."""
    plan = _Plan(request, press)
    parts, done = [plan.cover], plan.cover_pages
    progress(done, plan.pages)
    for part in set_parts(TEMPLATE, plan.parts(), limits):
        parts.append(part)
        done += inspect_file(part)
        progress(done, plan.pages)
    if done != plan.pages:
        raise PageFault(Check.SIZE)  # rows have moved, and every number of a page is wrong
    return Petition(
        pdf=join(parts),
        pages=done,
        signatures=len(request.signatures),
        named=plan.named,
        first_page=plan.cover_pages + plan.totals_pages + 1,
        names_a_page=plan.names.rows_a_page,
    )


def _totals_columns(say: Phrases) -> Columns:
    heads = (say.say("country"), say.say("signatures"))
    return Columns(heads=heads, shares=(3, 1.2), figures=(1,), bands=2)


def _names_columns(say: Phrases) -> Columns:
    heads = (say.say("number"), say.say("name"), say.say("country"))
    return Columns(heads=heads, shares=(11, 43, 28), figures=(0,), bands=2)


class _Plan:
    """What stands on which page, known before any name is set."""

    def __init__(self, request: PetitionRequest, press: LetterPress) -> None:
        self._request, language = request, request.cover.composition.language
        self._say = say = phrases_for(language)
        self._counted = Counter(one.country for one in request.signatures)
        self.named = sum(bool(one.name) for one in request.signatures)
        subject = say.number_of("signed", len(request.signatures), case=request.case)
        cover = press.typeset(covering(request.cover, subject=subject, said=self._said()))
        self.cover, self.cover_pages = cover.pdf, cover.pages
        frame = Frame(
            title=subject,
            language=say.language,
            reference=request.cover.composition.reference,
            layout=request.cover.layout,
        )
        self._totals = Sheets(frame, _totals_columns(say), heading=say.say("by_country"))
        self.names = Sheets(frame, _names_columns(say), heading=say.say("signatures"))
        self.totals_pages = self._totals.pages_for(len(self._counted) + 1)
        self.pages = self.cover_pages + self.totals_pages + self.names.pages_for(self.named)

    def parts(self) -> Iterator[dict[str, Any]]:
        before = self.cover_pages
        totals = list(self._totals.pages(self._total_rows()))
        yield self._totals.data(totals, before=before, of=self.pages)
        before += len(totals)
        left = self.names.pages(self._name_rows())
        while pages := list(itertools.islice(left, PAGES_A_PART)):
            yield self.names.data(pages, before=before, of=self.pages)
            before += len(pages)

    def _said(self) -> list[str]:
        say, countries = self._say, len(self._counted.keys() - {None})
        said = []
        if countries:
            said.append(say.number_of("gathered", countries, organiser=self._request.organiser))
        if withheld := len(self._request.signatures) - self.named:
            said.append(say.number_of("withheld", withheld))
        return said

    def _total_rows(self) -> Iterator[tuple[Cell, ...]]:
        """The most first; those who do not say, last; and all of them."""
        say = self._say
        named = [(say.country(one), -number) for one, number in self._counted.items() if one]
        for country, number in sorted(named, key=lambda row: (row[1], row[0])):
            yield self._totals.typed(country, 0), say.number(-number)
        if untold := self._counted[None]:
            yield self._totals.typed(say.country(None), 0), say.number(untold)
        total = say.number(len(self._request.signatures))
        yield {"strong": say.say("all")}, {"strong": total}

    def _name_rows(self) -> Iterator[tuple[Cell, ...]]:
        countries = {
            country: self.names.typed(self._say.country(country) if country else "", 2)
            for country in self._counted
        }
        named = ((one.name, one.country) for one in self._request.signatures if one.name)
        for number, (name, country) in enumerate(named, 1):
            yield str(number), self.names.typed(name, 1), countries[country]
