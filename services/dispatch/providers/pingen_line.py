"""The line to Pingen: calls that carry a token, and what an answer proves.

The token is OAuth2's (client_credentials), shared by all threads and fetched by one of them.  In: a
method and an address.  Out: Pingen's answer; faults are those of `contract.py`.
"""

import json
import re
import threading
import time
from collections.abc import Callable, Mapping
from copy import copy
from ssl import SSLCertVerificationError
from typing import Annotated, Protocol, TypeVar
from urllib.parse import urlencode

import urllib3
from pydantic import BaseModel, Field, ValidationError
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError, SSLError

from services.dispatch.providers.contract import (
    LaneHeld,
    LaneReason,
    NotSent,
    ProviderError,
    Refused,
    TryLater,
    Unclear,
)

Answer = urllib3.BaseHTTPResponse

_EARLY_S = 300.0  # so long before its end a token is renewed, as Pingen's own SDKs do
_LANE_PAUSE_S = 15 * 60
_LANE_REASONS: Mapping[int, LaneReason] = {
    401: LaneReason.CREDENTIALS,
    402: LaneReason.ACCOUNT,  # our credit
    403: LaneReason.CREDENTIALS,
    404: LaneReason.ACCOUNT,  # our address of them, or our organisation
    405: LaneReason.ACCOUNT,
}
_NO_GRANT = frozenset({400, 401, 403})  # RFC 6749, section 5.2
_WORD = re.compile(r"[A-Za-z0-9_.-]{1,40}")
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}
_JSON_API = {"Accept": "application/vnd.api+json", "Content-Type": "application/vnd.api+json"}


class Access(Protocol):
    """Where Pingen is, and who we are to it."""

    @property
    def url(self) -> str: ...
    @property
    def identity_url(self) -> str: ...
    @property
    def client_id(self) -> str: ...
    @property
    def client_secret(self) -> str: ...
    @property
    def organisation(self) -> str: ...
    @property
    def product(self) -> str: ...


class _Grant(BaseModel):
    access_token: Annotated[str, Field(pattern=r"^[\x21-\x7e]{1,8192}$")]
    expires_in: Annotated[float, Field(gt=0)]  # seconds


_Form = TypeVar("_Form", bound=BaseModel)


class Tokens:
    """One token for everybody.  Whoever finds it too old fetches; the others wait for that."""

    def __init__(
        self,
        http: urllib3.PoolManager,
        access: Access,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._http = http
        self._access = access
        self._clock = clock
        self._lock = threading.Lock()
        self._token = ""
        self._until = 0.0
        self._failed: tuple[float, NotSent] | None = None  # when the last fetch failed, and how

    def get(self) -> str:
        """Raises NotSent."""
        asked_at = self._clock()
        with self._lock:
            if self._token and self._clock() < self._until:
                return self._token
            if self._failed and self._failed[0] >= asked_at:
                # It failed while we waited for it: a queue of further tries would take too long.
                raise copy(self._failed[1])
            try:
                grant = self._fetch()
            except NotSent as fault:
                self._failed = (self._clock(), fault)
                raise
            early = min(_EARLY_S, grant.expires_in / 10)
            self._token, self._until = grant.access_token, self._clock() + grant.expires_in - early
            return self._token

    def drop(self, token: str) -> None:
        """Forgets it, if it is still the one in use: another thread may have renewed it already."""
        with self._lock:
            if self._token == token:
                self._token = ""

    def _fetch(self) -> _Grant:
        asked = {
            "grant_type": "client_credentials",
            "client_id": self._access.client_id,
            "client_secret": self._access.client_secret,
            "scope": "letter",
        }
        url = f"{self._access.identity_url.rstrip('/')}/auth/access-tokens"
        try:
            answer = self._http.request("POST", url, body=urlencode(asked), headers=_FORM)
        except HTTPError as error:
            raise TryLater(f"Pingen gave no token: {type(error).__name__}") from error
        if answer.status in _NO_GRANT:
            raise LaneHeld(
                f"Pingen gave no token: {answer.status}",
                after_s=_LANE_PAUSE_S,
                reason=LaneReason.CREDENTIALS,
            )
        if answer.status != 200:
            raise TryLater(f"Pingen gave no token: {answer.status}", after_s=_wait_s(answer))
        try:
            return _Grant.model_validate_json(answer.data)
        except ValidationError:  # whose text would quote the token
            raise TryLater("Pingen gave a token that nobody can read") from None


class Line:
    def __init__(
        self,
        access: Access,
        *,
        connect_timeout_s: float,
        read_timeout_s: float,
        connections: int,
    ) -> None:
        self._http = urllib3.PoolManager(
            maxsize=connections,
            retries=False,  # ours is the only retry
            timeout=urllib3.Timeout(connect=connect_timeout_s, read=read_timeout_s),
        )
        self._url = access.url.rstrip("/")
        self.tokens = Tokens(self._http, access)

    def call(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] = {}
    ) -> Answer:
        """Pingen's answer, whatever it is.  Raises NotSent where there is no token, and Unclear.

        A token that Pingen does not take any more is renewed, once: 401 proves that nothing was
        done.
        """
        token = self.tokens.get()
        answer = self._once(method, path, body, headers, token)
        if answer.status != 401:
            return answer
        self.tokens.drop(token)
        return self._once(method, path, body, headers, self.tokens.get())

    def store(self, url: str, content: bytes) -> Answer:
        """Puts a file where Pingen said.  Without our token: the place is somebody else's (S3)."""
        if not url.startswith("https://") and self._url.startswith("https://"):
            raise TryLater("Pingen named a place for the file that is not safe")
        return self._heard("PUT", url, content, {})

    def _once(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str], token: str
    ) -> Answer:
        carried = {**_JSON_API, **headers, "Authorization": f"Bearer {token}"}
        return self._heard(method, f"{self._url}{path}", body, carried)

    def _heard(
        self, method: str, url: str, body: bytes | None, headers: Mapping[str, str]
    ) -> Answer:
        try:
            return self._http.request(method, url, body=body, headers=headers)
        except (ConnectTimeoutError, NewConnectionError) as error:
            raise TryLater(f"Pingen was not reached: {type(error).__name__}") from error
        except HTTPError as error:
            if _is_distrust(error):
                raise TryLater("Pingen's certificate is not trusted") from error
            raise Unclear(f"Pingen did not answer: {type(error).__name__}") from error


def fault_of(answer: Answer) -> ProviderError:
    """What an answer that is no success proves of the call."""
    status = answer.status
    detail = f"Pingen answered {status} {_code(answer.data)}".rstrip()
    if not 400 <= status < 500:
        return Unclear(detail)
    if reason := _LANE_REASONS.get(status):
        return LaneHeld(detail, after_s=_LANE_PAUSE_S, reason=reason)
    if status in {408, 429}:
        return TryLater(detail, after_s=_wait_s(answer))
    return Refused(detail)


def read(answer: Answer, form: type[_Form]) -> _Form:
    """Raises Unclear: an order that cannot be read may still be an order."""
    try:
        return form.model_validate_json(answer.data)
    except ValidationError as error:
        raise Unclear(f"Pingen answered {answer.status}, and what nobody can read") from error


def _is_distrust(error: HTTPError) -> bool:
    """Whether TLS ended at the certificate.  Its other faults may come after the request, too."""
    causes = error.args if isinstance(error, SSLError) else ()
    return any(isinstance(cause, SSLCertVerificationError) for cause in causes)


def _wait_s(answer: Answer) -> int:
    wait = answer.headers.get("Retry-After", "")
    return int(wait) if re.fullmatch(r"[0-9]{1,5}", wait) else 0


def _code(data: bytes) -> str:
    """The word for programs in the first error; nothing that could quote a letter."""
    try:
        errors = json.loads(data)["errors"]
        code = (errors if isinstance(errors, dict) else errors[0])["code"]
    except (ValueError, KeyError, TypeError, IndexError, RecursionError):
        return ""
    return code if isinstance(code, str) and _WORD.fullmatch(code) else ""
