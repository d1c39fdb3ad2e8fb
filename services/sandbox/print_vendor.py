"""A print vendor that exists nowhere else: REST orders, idempotency keys, signed receipts.

In: `POST /print/v1/orders` with a PDF.  Out: the order, and posts for tracking's
`/v1/receipts/print_vendor`, signed as `Writ-Print-Signature: t=<unix>,v1=<hex HMAC-SHA256>`.
Errors are problem+json (RFC 9457) with a `code` for programs.
"""

import hashlib
import hmac
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from uuid import uuid4

from flask import Blueprint, Response, request
from pydantic import BaseModel, ConfigDict, ValidationError

from services.sandbox.fates import PrintStep, diary, letter_steps
from services.sandbox.faults import FaultBook, misbehave
from services.sandbox.postman import Post
from services.sandbox.print_order import CURRENCY, Address, OrderRequest, WrongPdf, check_pdf, price
from services.sandbox.settings import SandboxSettings
from services.sandbox.store import Accepted, Claimed, Key, KeyReused, Store, iso

PROVIDER = "print_vendor"
KEY_HEADER = "Idempotency-Key"
REPLAYED = {"Idempotent-Replayed": "true"}
REASONS = {  # of the steps that have one
    PrintStep.RETURNED: "addressee_unknown",
    PrintStep.REJECTED: "address_unusable",
}


class Order(BaseModel):
    """What the vendor remembers of an order it took; `plan` is (step, Unix seconds)."""

    model_config = ConfigDict(frozen=True)

    reference: str
    pages: int
    service_class: str
    sha256: str
    address: Address
    amount_minor: int
    plan: list[tuple[PrintStep, float]]

    def status(self, now: float) -> str:
        """The last step that has happened, without its `order.`."""
        return [step for step, at in self.plan if at <= now][-1].removeprefix("order.")


class Problem(Exception):
    """A request that is answered with a problem (RFC 9457)."""

    def __init__(self, status: int, code: str, detail: str) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.detail = detail


# Faults by name: status, code, detail.
REFUSALS: Mapping[str, tuple[int, str, str]] = {
    "throttle": (429, "too_many_requests", "Come back in a second."),
    "unauthorized": (401, "unauthorized", "The API key is not known."),
    "no_credit": (402, "no_credit", "The account has no credit left."),
    "rejected": (422, "address_unusable", "The address cannot be served."),
    "500": (500, "internal", "Something broke here."),
    "503": (503, "maintenance", "The presses are being cleaned."),
}


@dataclass(frozen=True, slots=True)
class Counter:
    """The vendor's counter: takes orders into the store."""

    settings: SandboxSettings
    store: Store
    faults: FaultBook

    def take(self) -> Response:
        """Check and keep the order of the current request; 201, also when it was kept before."""
        try:
            self.check_caller()
            key = request.headers.get(KEY_HEADER)
            if not key:
                raise Problem(400, "key_missing", f"{KEY_HEADER} is required.")
            kept, new = self._keep(_read(request.get_data()), key)
        except Problem as problem:
            return _problem(problem)
        return _json(201, _shown(kept), {} if new else REPLAYED)

    def check_caller(self) -> None:
        """Raises Problem unless the API key is right."""
        expected = f"Bearer {self.settings.api_key}".encode()
        if not hmac.compare_digest(request.headers.get("Authorization", "").encode(), expected):
            raise Problem(*REFUSALS["unauthorized"])

    def _keep(self, asked: OrderRequest, key: str) -> tuple[Accepted, bool]:
        now = time.time()
        order_id = f"ord_{uuid4().hex}"
        steps = letter_steps(asked.address.lines, asked.reference, self.settings)
        receipts = diary([PrintStep.ACCEPTED, *steps], self.settings, about=order_id, at=now)
        order = Order(
            **asked.model_dump(include={"reference", "pages", "service_class", "sha256"}),
            address=asked.address,
            amount_minor=price(asked),
            plan=[(PrintStep(one.kind), one.occurred_at) for one in receipts],
        )
        accepted = Accepted(order_id, PROVIDER, order.reference, now, order.model_dump_json())
        told = asked.model_dump_json(exclude={"pdf_base64"})  # its sha256 stands for the PDF
        fingerprint = hashlib.sha256(told.encode()).hexdigest()
        lasting = Key(key, fingerprint, now - self.settings.idempotency_life_s)
        try:
            kept = self.store.keep(accepted, self.faults.bend(receipts), key=lasting)
        except KeyReused as error:
            raise Problem(409, "key_reused", "The key came with another order.") from error
        return kept, kept.id == order_id


@dataclass(frozen=True, slots=True)
class WebhookWriter:
    """Writes the vendor's receipts, signed now: receivers refuse old signatures."""

    secret: str

    def write(self, claimed: Claimed) -> Post:
        """The signed post of one receipt."""
        receipt = claimed.receipt
        event = {
            "id": receipt.event_id,
            "type": receipt.kind,
            "order_id": claimed.about.id,
            "reference": claimed.about.delivery_id,
            "occurred_at": iso(receipt.occurred_at),
        }
        if reason := REASONS.get(PrintStep(receipt.kind)):
            event["reason"] = reason
        body = json.dumps(event)
        signed = f"{int(time.time())}.{body}"
        digest = hmac.new(self.secret.encode(), signed.encode(), "sha256").hexdigest()
        headers = {
            "Content-Type": "application/json",
            "Writ-Print-Signature": f"t={signed.partition('.')[0]},v1={digest}",
        }
        return Post(headers, body.encode())


def blueprint(settings: SandboxSettings, store: Store, faults: FaultBook) -> Blueprint:
    """The vendor's three routes."""
    routes = Blueprint("print_vendor", __name__, url_prefix="/print/v1")
    counter = Counter(settings, store, faults)
    refusals: dict[str, Callable[[], Response]] = {
        name: partial(_problem, Problem(*words)) for name, words in REFUSALS.items()
    }
    routes.register_error_handler(Problem, _problem)

    @routes.post("/orders")
    def order() -> Response:
        return misbehave(faults.draw(PROVIDER), counter.take, refusals)

    @routes.get("/orders")
    def by_reference() -> Response:
        counter.check_caller()
        found = store.of_delivery(PROVIDER, request.args.get("reference", ""))
        return _json(200, {"orders": [_shown(one) for one in found]})

    @routes.get("/orders/<order_id>")
    def by_id(order_id: str) -> Response:
        counter.check_caller()
        if found := store.get(PROVIDER, order_id):
            return _json(200, _shown(found))
        raise Problem(404, "not_found", "There is no such order.")

    return routes


def _read(body: bytes) -> OrderRequest:
    try:
        asked = OrderRequest.model_validate_json(body)
        check_pdf(asked)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(map(str, first["loc"])) or "body"
        raise Problem(422, "order_invalid", f"{where}: {first['msg']}") from error
    except WrongPdf as error:
        raise Problem(422, error.reason, "The PDF cannot be printed as ordered.") from error
    return asked


def _shown(accepted: Accepted) -> dict[str, object]:
    order = Order.model_validate_json(accepted.facts)
    return {
        "id": accepted.id,
        "reference": order.reference,
        "status": order.status(time.time()),
        "pages": order.pages,
        "price": {"amount_minor": order.amount_minor, "currency": CURRENCY},
        "created_at": iso(accepted.accepted_at),
    }


def _problem(problem: Problem) -> Response:
    body = {
        "type": "about:blank",
        "title": HTTPStatus(problem.status).phrase,
        "status": problem.status,
        "detail": problem.detail,
        "code": problem.code,
    }
    response = _json(problem.status, body, {"Retry-After": "1"} if problem.status == 429 else {})
    response.mimetype = "application/problem+json"
    return response


def _json(
    status: int, body: Mapping[str, object], headers: Mapping[str, str] | None = None
) -> Response:
    return Response(json.dumps(body), status, dict(headers or {}), mimetype="application/json")
