"""Binds many people's letters into parcels for one recipient: cover letter, contents, the letters.

In: the case's own letter, and letters that were set alone (alone.py).  Out: parcels within limits
of weight and pages; of each letter is known on which page of which parcel it stands.  The letters
of a parcel are set again together, so that they share their fonts (parts.py).  Faults: faults.py
draws the tree.
"""

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from services.dispatch.rendering.alone import RememberingPress, SetAlone
from services.dispatch.rendering.cover import covering
from services.dispatch.rendering.faults import Check, PageFault
from services.dispatch.rendering.inspection import inspect_file
from services.dispatch.rendering.letter import LetterRequest
from services.dispatch.rendering.listing import Cell, Columns, Frame, Sheets
from services.dispatch.rendering.parcels import ParcelLimits, pack
from services.dispatch.rendering.parts import USUAL, Limits, join, set_parts
from services.dispatch.rendering.phrases import Phrases, phrases_for
from services.dispatch.rendering.scripts import setting_for

TEMPLATE: Final = "bundle.typ"
LETTERS_A_PART: Final = 50  # at once in one process: 150 to 250 MB


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleRequest:
    cover: LetterRequest  # the case's own text: its greeting first, its subject not used
    case: str  # whom the letters are about
    organiser: str  # who sends them
    letters: Sequence[SetAlone]  # each on the paper of the cover; at least one


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """One parcel ready to print: PDF/A-2u.  Pages are counted from 1, as they are printed."""

    number: int
    of: int
    pdf: bytes
    pages: int
    sheets: int
    grams: float
    page_of: Mapping[UUID, int]  # the first page of each letter, by its id


Progress = Callable[[int, int], object]
"""Is told how many letters are bound, and of how many."""


def bind_parcels(
    request: BundleRequest,
    press: RememberingPress,
    *,
    size: ParcelLimits,
    progress: Progress = lambda done, of: None,
    limits: Limits = USUAL,
) -> Iterator[Parcel]:
    """Parcel after parcel; the same request gives the same bytes.  Raises LetterFault."""
    binder = _Binder(request, press, size)
    done = 0
    for parcel in binder.parcels:
        yield binder.bind(parcel, limits)
        done += len(parcel.letters)
        progress(done, len(request.letters))


@dataclass(frozen=True, slots=True)
class _Planned:
    """The letters of a parcel, and the number of the first among all."""

    number: int
    first: int
    letters: Sequence[SetAlone]


class _Binder:
    def __init__(self, request: BundleRequest, press: RememberingPress, size: ParcelLimits) -> None:
        self._request, self._press, self._size = request, press, size
        self._say = say = phrases_for(request.cover.composition.language)
        self._subject = say.number_of("letters", len(request.letters), case=request.case)
        frame = Frame(
            title=self._subject,
            language=say.language,
            reference=request.cover.composition.reference,
            layout=request.cover.layout,
        )
        self._contents = Sheets(frame, _columns(say), heading=say.say("contents"))
        ranges = pack(
            [letter.pages for letter in request.letters],
            size,
            contents=self._contents.pages_for,
        )
        self.parcels = [
            _Planned(number, one.start + 1, request.letters[one.start : one.stop])
            for number, one in enumerate(ranges, 1)
        ]

    def bind(self, parcel: _Planned, limits: Limits) -> Parcel:
        cover_pages, cover = self._press.typeset_known(self._cover(parcel))
        front = self._size.padded(cover_pages)
        front += self._size.padded(self._contents.pages_for(len(parcel.letters)))
        sizes = [self._size.padded(letter.pages) for letter in parcel.letters]
        *starts, pages = itertools.accumulate(sizes, initial=front)
        page_of = {
            letter.one.id: before + 1 for letter, before in zip(parcel.letters, starts, strict=True)
        }
        contents = list(self._contents.pages(self._rows(parcel, page_of)))
        first = {
            **self._part([(cover_pages, cover)], before=0, numbered=False),
            "list": {
                **self._contents.data(contents, before=0, of=pages),
                "blank": self._odd(len(contents)),
            },
        }
        parts = list(set_parts(TEMPLATE, [first, *self._letters(parcel, starts)], limits))
        if sum(map(inspect_file, parts)) != pages:
            raise PageFault(Check.SIZE)  # letters have moved, and every page of the list is wrong
        return Parcel(
            number=parcel.number,
            of=len(self.parcels),
            pdf=join(parts),
            pages=pages,
            sheets=self._size.sheets(pages),
            grams=self._size.weight(pages),
            page_of=page_of,
        )

    def _cover(self, parcel: _Planned) -> LetterRequest:
        say, request = self._say, self._request
        countries = {letter.one.country for letter in request.letters} - {None}
        said = []
        if countries:
            said.append(say.number_of("sent", len(countries), organiser=request.organiser))
        if len(self.parcels) > 1:
            last = parcel.first + len(parcel.letters) - 1
            numbers = {"number": parcel.number, "of": len(self.parcels)}
            said.append(say.say("parcel", **numbers, first=parcel.first, last=last))
        return covering(request.cover, subject=self._subject, said=said)

    def _rows(self, parcel: _Planned, page_of: Mapping[UUID, int]) -> Iterator[tuple[Cell, ...]]:
        for number, letter in enumerate(parcel.letters, parcel.first):
            one = letter.one
            yield (
                str(number),
                self._contents.typed(one.name or self._say.say("unnamed"), 1),
                self._contents.typed(self._say.country(one.country) if one.country else "", 2),
                str(page_of[one.id]),
            )

    def _letters(self, parcel: _Planned, starts: Sequence[int]) -> Iterator[dict[str, Any]]:
        for at in range(0, len(parcel.letters), LETTERS_A_PART):
            some = parcel.letters[at : at + LETTERS_A_PART]
            data = [(letter.pages, letter.data) for letter in some]
            yield {**self._part(data, before=starts[at], numbered=True), "list": None}

    def _part(
        self, letters: Sequence[tuple[int, str]], *, before: int, numbered: bool
    ) -> dict[str, Any]:
        layout = self._request.cover.layout
        return {
            "families": setting_for(self._say.language).plain,
            "paper": (layout.width, layout.height),
            "pages_before": before,
            "letters": [
                {"data": data, "numbered": numbered, "blank": self._odd(pages)}
                for pages, data in letters
            ],
        }

    def _odd(self, pages: int) -> bool:
        return self._size.padded(pages) > pages


def _columns(say: Phrases) -> Columns:
    heads = tuple(say.say(head) for head in ("number", "name", "country", "page"))
    return Columns(heads=heads, shares=(9, 36, 25, 10), figures=(0, 3), bands=2)
