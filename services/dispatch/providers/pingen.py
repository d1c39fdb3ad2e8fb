"""Pingen prints A4 letters in Europe and posts them (api.pingen.com/documentation, version 2).

An order is three calls: ask for a place, put the PDF there, create the letter.  Only the last one
orders, so whatever befalls the first two is "not sent".  Pingen reads the address from the PDF's
window.  Our reference, the delivery's id, travels as the file's name: Pingen gives that back in
letters, lists and webhooks.  `meta_data` would not do: it is an address in fields, which Pingen
checks (`meta_data_failed_requirements`) and gives back nowhere.
"""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Annotated
from urllib.parse import quote, urlencode
from uuid import UUID

from babel.numbers import get_currency_precision
from pydantic import BaseModel, Field
from pydantic_core import to_json

from services.dispatch.providers.capability import (
    AddressMode,
    Capability,
    Format,
    Grain,
    Price,
    Repeat,
)
from services.dispatch.providers.contract import (
    Letter,
    NotSent,
    ProviderError,
    Refused,
    Taken,
    TryLater,
    Unclear,
)
from services.dispatch.providers.pingen_line import Access, Answer, Line, fault_of, read

LAYOUT = "pingen_left"  # the address window of `address_position: left`

# help.pingen.com/en/templates-and-postal-requirements/letter-standards
_MOST_PAGES: Mapping[str, int] = {
    **dict.fromkeys(("DE", "AT", "BE", "FR"), 320),
    "GB": 500,
    "NL": 14,
    "IN": 16,
}
_MOST_PAGES_ELSEWHERE = 120  # Switzerland, too

CAPABILITY = Capability(
    most_pages={Format.A4: _MOST_PAGES_ELSEWHERE},  # by country: `most_pages`
    most_mb=8,
    address=AddressMode.WINDOW,
    most_lines=6,  # the window is 25.5 mm high
    most_columns=40,
    # Which countries are blocked Pingen tells letter by letter (`shipping_country_blocked`).
    cancel_s=0,  # until it is being printed: no time is promised, `cancel` asks
    repeat=Repeat.KEY,
    key_life_s=None,  # not told by anything we could read: `find` asks before each repeat
    price=Price.QUOTED,
    grain=Grain.PIECE,
    source="https://help.pingen.com/en/templates-and-postal-requirements/letter-standards",
)

# Place, upload and tokens may take so long together, in seconds; then it is not ordered any more.
# Such a call itself ends within the timeouts, and so does the one that orders.
PREPARE_S = 60.0
_STORED = frozenset({200, 201, 204})
# What a key that came with another body may be answered with.  Then the letter is there.
_MAYBE_THERE = frozenset({400, 409, 422})
_CANNOT_BE_CANCELLED = frozenset({403, 404, 409, 422})


class _Place(BaseModel):
    url: Annotated[str, Field(pattern=r"^https?://", max_length=1000)]
    url_signature: Annotated[str, Field(min_length=1, max_length=60)]


class _PlaceData(BaseModel):
    attributes: _Place


class _PlaceDocument(BaseModel):
    data: _PlaceData


class _Shown(BaseModel):
    """Of a letter, what we look at.  Status and price come with time: it is validated later."""

    file_original_name: str = ""
    status: str = ""
    price_currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] | None = None
    price_value: Annotated[Decimal, Field(ge=0, le=10**6)] | None = None


class _Letter(BaseModel):
    id: Annotated[str, Field(pattern=r"^[\x21-\x7e]{1,160}$")]
    attributes: _Shown = _Shown()


class _LetterDocument(BaseModel):
    data: _Letter


class _Letters(BaseModel):
    data: list[_Letter]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What Pingen says of one letter at present."""

    status: str  # Pingen's own word: `sent`, `cancelled`, …
    taken: Taken  # with the price, once it is known


def most_pages(country: str) -> int:
    """Pages in one letter to a country (ISO 3166-1 alpha-2)."""
    return _MOST_PAGES.get(country, _MOST_PAGES_ELSEWHERE)


class Pingen:
    name = "pingen"

    def __init__(
        self,
        access: Access,
        *,
        connect_timeout_s: float,
        read_timeout_s: float,
        connections: int = 8,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._line = Line(
            access,
            connect_timeout_s=connect_timeout_s,
            read_timeout_s=read_timeout_s,
            connections=connections,
        )
        self._letters = f"/organisations/{quote(access.organisation, safe='')}/deliveries/letters"
        self._product = access.product
        self._clock = clock

    def order(self, letter: Letter) -> Taken:
        _check(letter)
        until = self._clock() + PREPARE_S
        try:
            place = self._upload(letter.pdf)
        except NotSent:
            raise
        except ProviderError as fault:  # whatever nobody could tell of: it was no order
            raise TryLater(f"before anything was ordered: {fault.detail}") from fault
        if self._clock() > until:
            raise TryLater("the upload took too long; nothing was ordered")
        return self._create(letter, place)

    def find(self, delivery_id: UUID) -> Taken | None:
        """Asks for the letters whose file has our reference for its name.

        An empty list is a proof only where the list is filtered: a letter of another name in it
        says that it is not.
        """
        name = _file_name(delivery_id)
        query = urlencode({"filter": json.dumps({"file_original_name": name}), "page[limit]": 5})
        answer = self._line.call("GET", f"{self._letters}?{query}")
        if answer.status != 200:
            fault = fault_of(answer)
            # Being refused an answer is no answer.
            raise Unclear(fault.detail) if isinstance(fault, Refused) else fault
        found = read(answer, _Letters).data
        if any(one.attributes.file_original_name != name for one in found):
            raise Unclear("Pingen does not look letters up by our reference")
        return _taken(found[0]) if found else None

    def look(self, letter_id: str) -> Seen:
        """What became of a letter, and its price, which may be known only some time after `order`.

        Raises Refused where there is no such letter, or another ProviderError.
        """
        answer = self._line.call("GET", self._of(letter_id))
        if answer.status == 404:
            raise Refused("Pingen has no such letter")
        if answer.status != 200:
            raise fault_of(answer)
        letter = read(answer, _LetterDocument).data
        return Seen(status=letter.attributes.status, taken=_taken(letter))

    def cancel(self, letter_id: str) -> None:
        """Asks for it not to be printed; `look` says whether that still worked.

        Raises Refused where it is too late or no letter of theirs, or another ProviderError.
        """
        answer = self._line.call("PATCH", f"{self._of(letter_id)}/cancel")
        if answer.status in _CANNOT_BE_CANCELLED:
            raise Refused(f"it cannot be cancelled (any more): Pingen answered {answer.status}")
        if not 200 <= answer.status < 300:
            raise fault_of(answer)

    def _of(self, letter_id: str) -> str:
        return f"{self._letters}/{quote(letter_id, safe='')}"

    def _upload(self, pdf: bytes) -> _Place:
        answer = self._line.call("GET", "/file-upload")
        if answer.status != 200:
            raise fault_of(answer)
        place = read(answer, _PlaceDocument).data.attributes
        stored = self._line.store(place.url, pdf)
        if stored.status not in _STORED:
            raise TryLater(f"the file was not taken: {stored.status}")
        return place

    def _create(self, letter: Letter, place: _Place) -> Taken:
        attributes = {
            "file_original_name": _file_name(letter.delivery_id),
            "file_url": place.url,
            "file_url_signature": place.url_signature,
            "address_position": "left",
            "auto_send": True,
            "delivery_product": self._product,
            "print_mode": "duplex" if letter.pages > 1 else "simplex",
            "print_spectrum": "grayscale",
        }
        body = to_json({"data": {"type": "letters", "attributes": attributes}})
        headers = {"Idempotency-Key": letter.idempotency_key}
        answer = self._line.call("POST", self._letters, body, headers)
        if 200 <= answer.status < 300:
            return _taken(read(answer, _LetterDocument).data)
        if answer.status in _MAYBE_THERE and (found := self._there(letter.delivery_id, answer)):
            return found
        if answer.status == 409:
            raise Unclear("Pingen has the key (409), but no letter under our reference")
        raise fault_of(answer)

    def _there(self, delivery_id: UUID, answer: Answer) -> Taken | None:
        """The letter that an earlier order with this key made.  Raises Unclear."""
        try:
            return self.find(delivery_id)
        except ProviderError as fault:
            said = fault_of(answer).detail
            raise Unclear(f"{said}; and whether it has the letter: {fault.detail}") from fault


def _check(letter: Letter) -> None:
    """Raises Refused: what Pingen would take and then call invalid."""
    if letter.format not in CAPABILITY.most_pages:
        raise Refused(f"Pingen does not print {letter.format}")
    most = most_pages(letter.country)
    if letter.pages > most:
        raise Refused(f"{letter.pages} pages: Pingen sends {most} at most to {letter.country}")
    if len(letter.pdf) > CAPABILITY.most_mb * 1e6:
        raise Refused(f"{len(letter.pdf)} bytes: Pingen takes {CAPABILITY.most_mb} MB at most")


def _file_name(delivery_id: UUID) -> str:
    return f"{delivery_id}.pdf"


def _taken(letter: _Letter) -> Taken:
    currency, value = letter.attributes.price_currency, letter.attributes.price_value
    if currency is None or value is None:
        return Taken(provider_id=letter.id)
    minor = value.scaleb(get_currency_precision(currency)).quantize(0, ROUND_HALF_UP)
    return Taken(provider_id=letter.id, price_minor=int(minor), currency=currency)
