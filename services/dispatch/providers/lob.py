"""Lob prints in the USA and posts worldwide: letters in US Letter, and 4x6 postcards, over REST.

An address is created first, for the inline form cannot express every one abroad (a city alone; a
city with state and ZIP); then the piece is ordered with its PDF.  An idempotency key lives for 24
hours: who repeats an order that may have been taken asks `find` first, as hand_over.py does.  Lob
prints the address itself, at the top of the first page: the PDF leaves that place blank.
Source: Lob's own document, github.com/lob/lob-openapi 1.22.0.
"""

from collections.abc import Mapping
from io import BytesIO
from ssl import SSLCertVerificationError
from typing import Annotated, TypeVar
from urllib.parse import urlencode
from uuid import UUID

import pikepdf
import urllib3
from pydantic import BaseModel, Field, ValidationError
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError, SSLError

from services.dispatch.providers import lob_errors
from services.dispatch.providers.capability import AddressMode, Capability, Format, Grain, Repeat
from services.dispatch.providers.capability import Price as PriceFrom
from services.dispatch.providers.contract import (
    LaneHeld,
    Letter,
    ProviderError,
    Refused,
    Taken,
    TryLater,
    Unclear,
)
from services.dispatch.providers.lob_address import NOT_SERVED, as_fields
from shared.clock import Clock, now

CAPABILITY = Capability(
    # Six sheets on both sides is what goes abroad; at home it would be 120.
    most_pages={Format.US_LETTER: 12, Format.POSTCARD_4X6: 2},
    most_mb=5,
    address=AddressMode.FIELDS,
    most_lines=6,  # name, company, two lines, the city's, the country
    most_columns=40,
    not_served=NOT_SERVED,
    cancel_s=5 * 60,
    repeat=Repeat.KEY,
    key_life_s=24 * 3600,
    price=PriceFrom.RATE_CARD,
    grain=Grain.PIECE,
    source="https://github.com/lob/lob-openapi 1.22.0, dist/lob-api-bundled.yml",
)
LAYOUT = "lob"  # of a letter, in rendering/layouts.py
VERSION = "2024-01-01"  # of Lob's interface, the first that knows `size`
_KNOWN_ADDRESSES = 5000  # offices, not supporters; then the book is begun anew

_Fields = dict[str, str | tuple[str, bytes, str]]


class _Address(BaseModel):
    id: Annotated[str, Field(pattern=r"^adr_[a-zA-Z0-9]{1,150}$")]


class _Piece(BaseModel):
    id: Annotated[str, Field(pattern=r"^(ltr|psc)_[a-zA-Z0-9]{1,150}$")]
    metadata: dict[str, str] = {}
    deleted: bool = False


class _Pieces(BaseModel):
    data: list[_Piece]


class _Deleted(BaseModel):
    deleted: bool


_Answer = TypeVar("_Answer", _Address, _Piece, _Pieces, _Deleted)


class Lob:
    name = "lob"

    def __init__(
        self,
        url: str,
        api_key: str,
        *,
        from_address: str,
        connect_timeout_s: float,
        read_timeout_s: float,
        connections: int = 8,
        clock: Clock = now,
    ) -> None:
        """`from_address` is the sender's id in Lob's address book."""
        self._url = url.rstrip("/")
        self._from = from_address
        self._clock = clock
        self._addresses: dict[tuple[tuple[str, str], ...], str] = {}
        self._headers = {
            **urllib3.make_headers(basic_auth=f"{api_key}:"),
            "Lob-Version": VERSION,
        }
        self._http = urllib3.PoolManager(
            maxsize=connections,
            retries=False,  # ours is the only retry
            timeout=urllib3.Timeout(connect=connect_timeout_s, read=read_timeout_s),
        )

    def order(self, letter: Letter) -> Taken:
        if not CAPABILITY.prints(letter.format, letter.pages):
            raise Refused(f"Lob prints no {letter.format} of {letter.pages} pages")
        path, piece = _asked(letter)
        address = as_fields(letter.lines, letter.country)
        to, is_new = self._address_id(address)
        headers = {"Idempotency-Key": letter.idempotency_key}
        fields: _Fields = {
            "to": to,
            "from": self._from,
            "metadata[delivery_id]": str(letter.delivery_id),
            "mail_type": "usps_first_class",
            "use_type": "operational",
            **piece,
        }
        answer = self._call("POST", path, fields, headers)
        if answer.status == 200:
            return _taken(_read(answer, _Piece))
        code = lob_errors.code_of(answer)
        if code == lob_errors.CONFLICT or answer.status == 409:
            return self._find_what_is_there(letter.delivery_id)
        if code == lob_errors.NOT_FOUND:
            raise self._address_is_gone(address, is_new=is_new)
        raise lob_errors.fault_of(answer, self._clock())

    def find(self, delivery_id: UUID) -> Taken | None:
        """A letter or a postcard: our reference does not say which.  Raises ProviderError."""
        wanted = {"delivery_id": str(delivery_id)}
        query = urlencode({f"metadata[{name}]": value for name, value in wanted.items()})
        for path in ("letters", "postcards"):
            answer = self._call("GET", f"{path}?{query}")
            if answer.status != 200:
                fault = lob_errors.fault_of(answer, self._clock())
                # Being refused an answer is no answer.
                raise Unclear(fault.detail) if isinstance(fault, Refused) else fault
            pieces = _read(answer, _Pieces).data
            if any(one.metadata.get("delivery_id") != str(delivery_id) for one in pieces):
                raise Unclear("Lob listed what is not under our reference")
            if pieces:
                return _taken(min(pieces, key=lambda one: one.deleted))
        return None

    def cancel(self, provider_id: str) -> bool:
        """Whether it is not printed: True once Lob has taken it out, False where its time is over.

        Raises ProviderError.
        """
        path = "postcards" if provider_id.startswith("psc_") else "letters"
        answer = self._call("DELETE", f"{path}/{provider_id}")
        if answer.status == 200 and _read(answer, _Deleted).deleted:
            return True
        if lob_errors.code_of(answer) == lob_errors.NOT_DELETABLE:
            return False
        raise lob_errors.fault_of(answer, self._clock())

    def _address_id(self, address: Mapping[str, str]) -> tuple[str, bool]:
        """The address's id, and whether Lob made it just now.  Nothing is ordered by that."""
        key = tuple(sorted(address.items()))
        if known := self._addresses.get(key):
            return known, False
        try:
            answer = self._call("POST", "addresses", dict(address))
            if answer.status != 200:
                raise lob_errors.fault_of(answer, self._clock())
            made = _read(answer, _Address).id
        except ProviderError as fault:
            raise lob_errors.nothing_ordered(fault) from fault
        if len(self._addresses) >= _KNOWN_ADDRESSES:
            self._addresses.clear()
        self._addresses[key] = made
        return made, True

    def _address_is_gone(self, address: Mapping[str, str], *, is_new: bool) -> ProviderError:
        if is_new:
            return LaneHeld(
                "Lob does not know the sender's address", after_s=lob_errors.LANE_PAUSE_S
            )
        self._addresses.pop(tuple(sorted(address.items())), None)
        return TryLater("Lob does not know the recipient's address any more")

    def _find_what_is_there(self, delivery_id: UUID) -> Taken:
        """After a conflict: Lob has the key, so that no answer but a piece proves anything."""
        try:
            found = self.find(delivery_id)
        except Refused:  # that was taken out again
            raise
        except ProviderError as fault:
            raise Unclear(f"Lob has the key, and: {fault.detail}") from fault
        if found is None:
            raise Unclear("Lob has the key, but no order under our reference")
        return found

    def _call(
        self,
        method: str,
        path: str,
        fields: _Fields | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> urllib3.BaseHTTPResponse:
        try:
            return self._http.request(
                method,
                f"{self._url}/{path}",
                fields=fields,
                headers={**self._headers, **(headers or {})},
            )
        except (ConnectTimeoutError, NewConnectionError) as error:
            raise TryLater(f"Lob was not reached: {type(error).__name__}") from error
        except HTTPError as error:
            if _is_distrust(error):
                raise TryLater("Lob's certificate is not trusted") from error
            raise Unclear(f"Lob did not answer: {type(error).__name__}") from error


def _asked(letter: Letter) -> tuple[str, _Fields]:
    """Where this kind of piece is ordered, and what makes it one."""
    if letter.format is Format.POSTCARD_4X6:
        front, back = _sides(letter.pdf)
        return "postcards", {
            "front": ("front.pdf", front, "application/pdf"),
            "back": ("back.pdf", back, "application/pdf"),
            "size": "4x6",  # the only one that goes abroad
        }
    return "letters", {
        "file": ("letter.pdf", letter.pdf, "application/pdf"),
        "color": "false",
        "double_sided": "true" if letter.pages > 1 else "false",
        "address_placement": "top_first_page",
        "size": "us_letter",
    }


def _sides(pdf: bytes) -> tuple[bytes, bytes]:
    """Each side as a PDF of its own, as Lob wants them; the picture's page comes first."""
    try:
        with pikepdf.open(BytesIO(pdf)) as card:
            sides = [_one_page(page) for page in card.pages]
    except pikepdf.PdfError as error:
        raise Refused("the postcard's PDF cannot be read") from error
    if len(sides) != 2:
        raise Refused("a postcard has two sides")
    return sides[0], sides[1]


def _one_page(page: pikepdf.Page) -> bytes:
    file = BytesIO()
    with pikepdf.new() as side:
        side.pages.append(page)
        side.save(file, deterministic_id=True)
    return file.getvalue()


def _taken(piece: _Piece) -> Taken:
    """No price: Lob tells none.  Raises Refused for one that was taken out again."""
    if piece.deleted:
        raise Refused("at Lob it was cancelled before it was printed")
    return Taken(provider_id=piece.id)


def _read(answer: urllib3.BaseHTTPResponse, form: type[_Answer]) -> _Answer:
    """Raises Unclear: an order that cannot be read may still be an order."""
    try:
        return form.model_validate_json(answer.data)
    except ValidationError as error:
        raise Unclear(f"Lob answered {answer.status}, and what nobody can read") from error


def _is_distrust(error: HTTPError) -> bool:
    """Whether TLS ended at the certificate.  Its other faults may come after the request, too."""
    causes = error.args if isinstance(error, SSLError) else ()
    return any(isinstance(cause, SSLCertVerificationError) for cause in causes)
