"""A print vendor that takes orders over REST (in development: the sandbox's).

An order carries an idempotency key, so an unclear call may be repeated with the same key; 409 means
that the vendor has it under another body, and it is asked by our reference.
"""

import base64
import hashlib
import json
import re
from ssl import SSLCertVerificationError
from typing import Annotated, TypeVar
from urllib.parse import urlencode
from uuid import UUID

import urllib3
from pydantic import BaseModel, Field, ValidationError
from pydantic_core import to_json
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError, SSLError

from services.dispatch.providers.capability import (
    AddressMode,
    Capability,
    Format,
    Grain,
    Price,
    Repeat,
)
from services.dispatch.providers.contract import (
    LaneHeld,
    Letter,
    ProviderError,
    Refused,
    Taken,
    TryLater,
    Unclear,
)

CAPABILITY = Capability(
    most_pages={Format.A4: 120},
    most_mb=20,
    address=AddressMode.FIELDS,
    most_lines=6,
    most_columns=40,  # more do not fit the window
    cancel_s=None,
    repeat=Repeat.KEY,
    price=Price.QUOTED,
    grain=Grain.PIECE,
    source="services/sandbox/print_order.py",
)

_LANE_PAUSE_S = 15 * 60
_LANE_STATUS = frozenset({401, 402, 403, 404, 405})  # our key, our credit, our address of them
_WORD = re.compile(r"[A-Za-z0-9_.-]{1,40}")


class _Price(BaseModel):
    amount_minor: Annotated[int, Field(ge=0, le=10**9)]
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]


class _Order(BaseModel):
    id: Annotated[str, Field(pattern=r"^[\x21-\x7e]{1,160}$")]
    price: _Price | None = None


class _Orders(BaseModel):
    orders: list[_Order]


_Answer = TypeVar("_Answer", _Order, _Orders)


class PrintVendor:
    name = "print_vendor"

    def __init__(
        self,
        url: str,
        api_key: str,
        *,
        connect_timeout_s: float,
        read_timeout_s: float,
        connections: int = 8,
    ) -> None:
        self._url = f"{url.rstrip('/')}/print/v1/orders"
        self._headers = {"Authorization": f"Bearer {api_key}", "Content-Type": "application/json"}
        self._http = urllib3.PoolManager(
            maxsize=connections,
            retries=False,  # ours is the only retry
            timeout=urllib3.Timeout(connect=connect_timeout_s, read=read_timeout_s),
        )

    def order(self, letter: Letter) -> Taken:
        body = {
            "reference": str(letter.delivery_id),
            "format": "A4",
            "colour": False,
            "duplex": letter.pages > 1,
            "service_class": "standard",
            "pages": letter.pages,
            "pdf_base64": base64.b64encode(letter.pdf).decode(),
            "sha256": hashlib.sha256(letter.pdf).hexdigest(),
            "address": {"lines": letter.lines, "country": letter.country},
        }
        headers = {**self._headers, "Idempotency-Key": letter.idempotency_key}
        answer = self._call("POST", self._url, to_json(body), headers)
        if answer.status == 409:
            return self._find_what_is_there(letter.delivery_id)
        if answer.status not in {200, 201}:
            raise _classified(answer)
        return _taken(_read(answer, _Order))

    def find(self, delivery_id: UUID) -> Taken | None:
        query = urlencode({"reference": str(delivery_id)})
        answer = self._call("GET", f"{self._url}?{query}", None, self._headers)
        if answer.status != 200:
            fault = _classified(answer)
            # Being refused an answer is no answer.
            raise Unclear(fault.detail) if isinstance(fault, Refused) else fault
        orders = _read(answer, _Orders).orders
        return _taken(orders[0]) if orders else None

    def _find_what_is_there(self, delivery_id: UUID) -> Taken:
        """After a 409: the vendor has the key, so that no answer but an order proves anything."""
        try:
            found = self.find(delivery_id)
        except ProviderError as fault:
            raise Unclear(f"the vendor has the key (409), and: {fault.detail}") from fault
        if found is None:
            raise Unclear("the vendor has the key (409) but no order under our reference")
        return found

    def _call(
        self, method: str, url: str, body: bytes | None, headers: dict[str, str]
    ) -> urllib3.BaseHTTPResponse:
        try:
            return self._http.request(method, url, body=body, headers=headers)
        except (ConnectTimeoutError, NewConnectionError) as error:
            raise TryLater(f"the vendor was not reached: {type(error).__name__}") from error
        except HTTPError as error:
            if _is_distrust(error):
                raise TryLater("the vendor's certificate is not trusted") from error
            raise Unclear(f"the vendor did not answer: {type(error).__name__}") from error


def _is_distrust(error: HTTPError) -> bool:
    """Whether TLS ended at the certificate.  Its other faults may come after the request, too."""
    causes = error.args if isinstance(error, SSLError) else ()
    return any(isinstance(cause, SSLCertVerificationError) for cause in causes)


def _classified(answer: urllib3.BaseHTTPResponse) -> ProviderError:
    status = answer.status
    detail = f"the vendor answered {status} {_code(answer.data)}".rstrip()
    if not 400 <= status < 500:
        return Unclear(detail)
    if status in _LANE_STATUS:
        return LaneHeld(detail, after_s=_LANE_PAUSE_S)
    if status in {408, 429}:
        wait = answer.headers.get("Retry-After", "")
        return TryLater(detail, after_s=int(wait) if re.fullmatch(r"[0-9]{1,5}", wait) else 0)
    return Refused(detail)


def _code(data: bytes) -> str:
    """The word for programs in a problem; nothing that could quote a letter."""
    try:
        code = json.loads(data)["code"]
    except (ValueError, KeyError, TypeError):
        return ""
    return code if isinstance(code, str) and _WORD.fullmatch(code) else ""


def _read(answer: urllib3.BaseHTTPResponse, form: type[_Answer]) -> _Answer:
    """Raises Unclear: an order that cannot be read may still be an order."""
    try:
        return form.model_validate_json(answer.data)
    except ValidationError as error:
        raise Unclear(f"the vendor answered {answer.status}, and what nobody can read") from error


def _taken(order: _Order) -> Taken:
    price = order.price
    return Taken(
        provider_id=order.id,
        price_minor=price.amount_minor if price else None,
        currency=price.currency if price else None,
    )
