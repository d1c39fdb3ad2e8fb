"""The account's suppression list at SES: `PutSuppressedDestination`, `DeleteSuppressedDestination`.

In: addresses.  Out: whether SES would throw away what goes there.  Source: SES developer guide,
"Using the Amazon SES account-level suppression list": sending to a listed address is accepted and
counted, and bounces as Permanent/OnAccountSuppressionList, whatever the case of its letters; the
API finds an entry by its exact spelling alone.
"""

import threading
from typing import Annotated, Literal

from pydantic import BaseModel, Field, ValidationError

from services.sandbox.ses_email import Refusal, Refused

_INVALID = Refusal(400, "BadRequestException", "The request is invalid.")
_NOT_LISTED = Refusal(404, "NotFoundException", "Email address does not exist on the list.")


class _Entry(BaseModel):
    EmailAddress: Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+$", max_length=320)]
    Reason: Literal["BOUNCE", "COMPLAINT"]
    TenantName: str | None = None


class SuppressionList:
    """Forgotten when the sandbox ends.  Safe between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._reasons: dict[str, str] = {}

    def put(self, body: bytes) -> None:
        """Raises Refused."""
        try:
            entry = _Entry.model_validate_json(body)
        except ValidationError as error:
            raise Refused(_INVALID) from error
        with self._lock:
            self._reasons[entry.EmailAddress] = entry.Reason

    def delete(self, address: str) -> None:
        """Raises Refused."""
        with self._lock:
            if self._reasons.pop(address, None) is None:
                raise Refused(_NOT_LISTED)

    def holds(self, address: str) -> bool:
        wanted = address.lower()
        with self._lock:
            return any(listed.lower() == wanted for listed in self._reasons)
