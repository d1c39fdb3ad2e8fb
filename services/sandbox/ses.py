"""Amazon SES v2, as far as sending goes, for an unmodified boto3: `SendEmail`, `SendBulkEmail`,
`GetAccount`, and the account's suppression list.

Keeps what SES would accept, with the events SES would publish about it, and answers in restJson1.
The signature of a call is not verified, only asked for.
"""

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import uuid4

from flask import Blueprint, Response, json, request

from services.sandbox.fates import EmailStep, diary, email_steps, refusal
from services.sandbox.faults import FaultBook, WireFault, misbehave
from services.sandbox.ses_account import Account
from services.sandbox.ses_bulk import read_bulk
from services.sandbox.ses_email import TOO_LARGE, Email, Refusal, Refused, read_email
from services.sandbox.ses_suppression import SuppressionList
from services.sandbox.settings import SandboxSettings
from services.sandbox.store import Accepted, Receipt, Store

PROVIDER = "ses"
ENTRIES = "ses_entries"
ACCOUNT = "ses_account"
DELIVERY_TAG = "delivery_id"  # dispatch's own id, which every event carries back
RETRY_LATER = "Please retry your request."

# Faults by name: status, the exception's name as boto3 will see it, and the message.
REFUSALS: Mapping[str, Refusal] = {
    "throttle": Refusal(429, "TooManyRequestsException", "Maximum sending rate exceeded."),
    "throttle_v1": Refusal(400, "ThrottlingException", "Maximum sending rate exceeded."),
    "quota": Refusal(429, "TooManyRequestsException", "Daily message quota exceeded."),
    "limit": Refusal(400, "LimitExceededException", "Too many resources of this type."),
    "paused": Refusal(400, "SendingPausedException", "Email sending is paused."),
    "paused_v1": Refusal(400, "MessageRejected", "Sending paused for this account."),
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
# The same for one entry of a bulk call: its status, and its error.
ENTRY_REFUSALS: Mapping[str, tuple[str, str]] = {
    "throttle": ("ACCOUNT_THROTTLED", "Maximum sending rate exceeded."),
    "quota": ("ACCOUNT_DAILY_QUOTA_EXCEEDED", "Daily message quota exceeded."),
    "paused": ("ACCOUNT_SENDING_PAUSED", "Email sending is paused."),
    "set_paused": ("CONFIGURATION_SET_SENDING_PAUSED", "The configuration set is paused."),
    "suspended": ("ACCOUNT_SUSPENDED", "The account is suspended."),
    "message_rejected": ("MESSAGE_REJECTED", "Message content was rejected."),
    "not_verified": ("MESSAGE_REJECTED", "Email address is not verified."),
    "mail_from": ("MAIL_FROM_DOMAIN_NOT_VERIFIED", "MAIL FROM is not verified."),
    "not_found": ("CONFIGURATION_SET_NOT_FOUND", "Configuration set does not exist."),
    "pool": ("INVALID_SENDING_POOL_NAME", "The pool does not exist."),
    "template": ("TEMPLATE_NOT_FOUND", "The template does not exist."),
    "bad_request": ("INVALID_PARAMETER", "The input is invalid."),
    "transient": ("TRANSIENT_FAILURE", RETRY_LATER),
    "failed": ("FAILED", "The request could not be processed."),
}
LANES: Mapping[str, Collection[str]] = {
    PROVIDER: {*REFUSALS, *WireFault},
    ACCOUNT: {*REFUSALS, *WireFault},
    ENTRIES: ENTRY_REFUSALS,  # a line of its own an entry has not
}
UNSIGNED = Refusal(403, "MissingAuthenticationTokenException", "Missing Authentication Token")

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Ses:
    """SES's counter: takes emails into the store under the faults in force."""

    settings: SandboxSettings
    store: Store
    faults: FaultBook
    account: Account
    stop_list: SuppressionList

    def take(self) -> Response:
        """Check and keep the email of the current request, then answer with its MessageId."""
        try:
            _check_signed()
            email = read_email(request.get_data())
        except Refused as refused:
            return _refusal(refused.refusal)
        now = time.time()
        if (fault := self._fault(email, now)) in REFUSALS:
            return _refusal(REFUSALS[fault])
        return _answer(200, {"MessageId": self._keep(email, now)})

    def take_many(self) -> Response:
        """The same for each email of a bulk call: some may be taken and others not."""
        try:
            _check_signed()
            emails = read_bulk(request.get_data())
        except Refused as refused:
            return _refusal(refused.refusal)
        return _answer(200, {"BulkEmailEntryResults": [self._result(email) for email in emails]})

    def tell_account(self) -> Response:
        try:
            _check_signed()
        except Refused as refused:
            return _refusal(refused.refusal)
        if not self.account.may_ask():
            return _refusal(Refusal(429, "TooManyRequestsException", "Rate exceeded"))
        return _answer(200, self.account.answer(time.time()))

    def suppress(self) -> Response:
        try:
            _check_signed()
            self.stop_list.put(request.get_data())
        except Refused as refused:
            return _refusal(refused.refusal)
        return _answer(200, {})

    def unsuppress(self, address: str) -> Response:
        try:
            _check_signed()
            self.stop_list.delete(address)
        except Refused as refused:
            return _refusal(refused.refusal)
        return _answer(200, {})

    def _result(self, email: Email | Refused) -> Json:
        if isinstance(email, Refused):
            return {"Status": "INVALID_PARAMETER", "Error": email.refusal.message}
        now = time.time()
        struck = self.faults.draw(ENTRIES)
        fault = struck.kind if struck else self._fault(email, now)
        if fault in ENTRY_REFUSALS:
            status, error = ENTRY_REFUSALS[fault]
            return {"Status": status, "Error": error}
        return {"Status": "SUCCESS", "MessageId": self._keep(email, now)}

    def _fault(self, email: Email, now: float) -> str:
        """Why it is not taken: its address asks for that, or the account is at fault."""
        return refusal(email.destination) or self.account.admit(len(email.destination), now) or ""

    def _keep(self, email: Email, now: float) -> str:
        message_id = _message_id(now)
        delivery_id = email.tags.get(DELIVERY_TAG)
        accepted = Accepted(message_id, PROVIDER, delivery_id, now, email.model_dump_json())
        self.store.keep(accepted, self.faults.bend(self._events(email, accepted)))
        return message_id

    def _events(self, email: Email, accepted: Accepted) -> list[Receipt]:
        chance = accepted.delivery_id or accepted.id
        told = partial(diary, settings=self.settings, about=accepted.id, at=accepted.accepted_at)
        if email.rendering_error:
            return told([EmailStep.RENDERING_FAILURE])
        events = told([EmailStep.SEND])
        for address in email.destination:
            steps = email_steps(address, chance, self.settings)
            if self.stop_list.holds(address):  # taken, counted, and thrown away
                steps = (EmailStep.SUPPRESSED,)
            events += told(steps, recipient=address, first=1)
        return events


def blueprint(settings: SandboxSettings, store: Store, faults: FaultBook) -> Blueprint:
    """SES's routes."""
    routes = Blueprint("ses", __name__)
    counter = Ses(settings, store, faults, Account(settings, store, faults), SuppressionList())
    refusals: dict[str, Callable[[], Response]] = {
        name: partial(_refusal, refusal) for name, refusal in REFUSALS.items()
    }

    @routes.post("/v2/email/outbound-emails")
    def send_email() -> Response:
        return misbehave(faults.draw(PROVIDER), counter.take, refusals)

    @routes.post("/v2/email/outbound-bulk-emails")
    def send_bulk_email() -> Response:
        return misbehave(faults.draw(PROVIDER), counter.take_many, refusals)

    @routes.get("/v2/email/account")
    def get_account() -> Response:
        return misbehave(faults.draw(ACCOUNT), counter.tell_account, refusals)

    @routes.put("/v2/email/suppression/addresses")
    def put_suppressed_destination() -> Response:
        return misbehave(faults.draw(ACCOUNT), counter.suppress, refusals)

    @routes.delete("/v2/email/suppression/addresses/<path:address>")
    def delete_suppressed_destination(address: str) -> Response:
        return misbehave(faults.draw(ACCOUNT), partial(counter.unsuppress, address), refusals)

    return routes


def _check_signed() -> None:
    if "Authorization" not in request.headers:
        raise Refused(UNSIGNED)


def _message_id(now: float) -> str:
    """A MessageId of SES's form: region, milliseconds, a UUID and a tail."""
    return f"0107{int(now * 1000):012x}-{uuid4()}-000000"


def _refusal(refusal: Refusal) -> Response:
    response = _answer(refusal.status, {"message": refusal.message})
    response.headers["x-amzn-ErrorType"] = refusal.kind
    return response


def _answer(status: int, body: Json) -> Response:
    response = Response(json.dumps(body), status=status, mimetype="application/json")
    response.headers["x-amzn-RequestId"] = str(uuid4())
    return response
