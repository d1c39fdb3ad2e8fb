"""Amazon SES v2, as far as sending goes: `POST /v2/email/outbound-emails` for an unmodified boto3.

Keeps what SES would accept, with the events SES would publish about it, and answers in restJson1.
The signature of a call is not verified, only asked for.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from uuid import uuid4

from flask import Blueprint, Response, json, request

from services.sandbox.fates import EmailStep, diary, email_steps
from services.sandbox.faults import FaultBook, misbehave
from services.sandbox.ses_email import TOO_LARGE, Email, Refusal, Refused, read_email
from services.sandbox.settings import SandboxSettings
from services.sandbox.store import Accepted, Receipt, Store

PROVIDER = "ses"
DELIVERY_TAG = "delivery_id"  # dispatch's own id, which every event carries back
RETRY_LATER = "Please retry your request."

# Faults by name: status, the exception's name as boto3 will see it, and the message.
REFUSALS: Mapping[str, Refusal] = {
    "throttle": Refusal(429, "TooManyRequestsException", "Maximum sending rate exceeded."),
    "throttle_v1": Refusal(400, "ThrottlingException", "Maximum sending rate exceeded."),
    "quota": Refusal(429, "TooManyRequestsException", "Daily message quota exceeded."),
    "limit": Refusal(400, "LimitExceededException", "Too many resources of this type."),
    "paused": Refusal(400, "SendingPausedException", "Email sending is paused."),
    "suspended": Refusal(400, "AccountSuspendedException", "The account is suspended."),
    "message_rejected": Refusal(400, "MessageRejected", "Message content was rejected."),
    "not_verified": Refusal(400, "MessageRejected", "Email address is not verified."),
    "mail_from": Refusal(400, "MailFromDomainNotVerifiedException", "MAIL FROM is not verified."),
    "not_found": Refusal(404, "NotFoundException", "Configuration set does not exist."),
    "bad_request": Refusal(400, "BadRequestException", "The input is invalid."),
    "expired_token": Refusal(403, "ExpiredTokenException", "The security token is expired."),
    "access_denied": Refusal(403, "AccessDeniedException", "Not authorized to send."),
    "too_large": TOO_LARGE,
    "timeout": Refusal(408, "RequestTimeoutException", "The request took too long to arrive."),
    "500": Refusal(500, "InternalFailure", RETRY_LATER),
    "503": Refusal(503, "ServiceUnavailable", RETRY_LATER),
}
UNSIGNED = Refusal(403, "MissingAuthenticationTokenException", "Missing Authentication Token")


@dataclass(frozen=True, slots=True)
class Ses:
    """SES's counter: takes emails into the store under the faults in force."""

    settings: SandboxSettings
    store: Store
    faults: FaultBook

    def take(self) -> Response:
        """Check and keep the email of the current request, then answer with its MessageId."""
        try:
            if "Authorization" not in request.headers:
                raise Refused(UNSIGNED)
            email = read_email(request.get_data())
        except Refused as refused:
            return _refusal(refused.refusal)
        now = time.time()
        message_id = _message_id(now)
        delivery_id = email.tags.get(DELIVERY_TAG)
        accepted = Accepted(message_id, PROVIDER, delivery_id, now, email.model_dump_json())
        self.store.keep(accepted, self.faults.bend(self._events(email, accepted)))
        return _answer(200, {"MessageId": message_id})

    def _events(self, email: Email, accepted: Accepted) -> list[Receipt]:
        chance = accepted.delivery_id or accepted.id
        told = partial(diary, settings=self.settings, about=accepted.id, at=accepted.accepted_at)
        events = told([EmailStep.SEND])
        for address in email.destination:
            steps = email_steps(address, chance, self.settings)
            events += told(steps, recipient=address, first=1)
        return events


def blueprint(settings: SandboxSettings, store: Store, faults: FaultBook) -> Blueprint:
    """SES's one route."""
    routes = Blueprint("ses", __name__)
    counter = Ses(settings, store, faults)
    refusals: dict[str, Callable[[], Response]] = {
        name: partial(_refusal, refusal) for name, refusal in REFUSALS.items()
    }

    @routes.post("/v2/email/outbound-emails")
    def send_email() -> Response:
        return misbehave(faults.draw(PROVIDER), counter.take, refusals)

    return routes


def _message_id(now: float) -> str:
    """A MessageId of SES's form: region, milliseconds, a UUID and a tail."""
    return f"0107{int(now * 1000):012x}-{uuid4()}-000000"


def _refusal(refusal: Refusal) -> Response:
    response = _answer(refusal.status, {"message": refusal.message})
    response.headers["x-amzn-ErrorType"] = refusal.kind
    return response


def _answer(status: int, body: dict[str, str]) -> Response:
    response = Response(json.dumps(body), status=status, mimetype="application/json")
    response.headers["x-amzn-RequestId"] = str(uuid4())
    return response
