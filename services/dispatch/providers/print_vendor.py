"""A print vendor that takes orders over REST (in development: the sandbox's).

An order carries an idempotency key, so an unclear call may be repeated with the same key; 409 means
that the vendor has it under another body, and it is asked by our reference.
"""

import base64
import hashlib
import json
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import urllib3
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    MaxRetryError,
    NameResolutionError,
    NewConnectionError,
    SSLError,
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

_LANE_PAUSE_S = 15 * 60
_BEFORE_ANY_BYTE = (ConnectTimeoutError, NewConnectionError, NameResolutionError, SSLError)


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
        status, answer = self._call("POST", self._url, json.dumps(body).encode(), headers)
        if status == 409:
            found = self.find(letter.delivery_id)
            if found is None:
                raise Unclear("the vendor has the key (409) but no order under our reference")
            return found
        if status not in {200, 201}:
            raise _classified(status, answer)
        return _taken(answer)

    def find(self, delivery_id: UUID) -> Taken | None:
        query = urlencode({"reference": str(delivery_id)})
        status, answer = self._call("GET", f"{self._url}?{query}", None, self._headers)
        if status != 200:
            raise _classified(status, answer)
        orders = answer.get("orders", [])
        return _taken(orders[0]) if orders else None

    def _call(
        self, method: str, url: str, body: bytes | None, headers: dict[str, str]
    ) -> tuple[int, dict[str, Any]]:
        try:
            answer = self._http.request(method, url, body=body, headers=headers)
            return answer.status, _json(answer.data)
        except _BEFORE_ANY_BYTE as error:
            raise TryLater(f"the vendor was not reached: {type(error).__name__}") from error
        except MaxRetryError as error:
            if isinstance(error.reason, _BEFORE_ANY_BYTE):
                raise TryLater("the vendor was not reached") from error
            raise Unclear("the vendor did not answer") from error
        except HTTPError as error:
            raise Unclear(f"the vendor did not answer: {type(error).__name__}") from error


def _classified(status: int, answer: dict[str, Any]) -> ProviderError:
    detail = f"the vendor answered {status} {answer.get('code', '')}".rstrip()
    if status in {401, 402, 403}:
        return LaneHeld(detail, after_s=_LANE_PAUSE_S)
    if status == 429:
        return TryLater(detail)
    if status >= 500:
        return Unclear(detail)
    return Refused(detail)


def _taken(order: dict[str, Any]) -> Taken:
    price = order.get("price") or {}
    return Taken(
        provider_id=str(order["id"]),
        price_minor=price.get("amount_minor"),
        currency=price.get("currency"),
    )


def _json(data: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(data)
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}
