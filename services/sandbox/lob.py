"""Lob as its document describes it: addresses, letters, postcards, cancelling, signed events.

In: `/lob/v1/addresses`, `/letters`, `/postcards`, as forms.  Out: pieces, and events for tracking's
`/v1/receipts/lob`, signed with `Lob-Signature`.  Where the document is silent it does what the help
pages say.  Unlike a test key of Lob's, it also tells of scans by the post.
"""

import hmac
import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from uuid import uuid4

from flask import Blueprint, Response, request

from services.sandbox.fates import diary, letter_steps
from services.sandbox.faults import FaultBook, WireFault, misbehave
from services.sandbox.lob_mail import (
    SENDER,
    Address,
    Piece,
    Wrong,
    check_address,
    check_file,
    check_piece,
    road,
)
from services.sandbox.postman import Post
from services.sandbox.settings import SandboxSettings
from services.sandbox.store import Accepted, Claimed, Key, Receipt, Store, iso

PROVIDER = "lob"
ADDRESSES = "lob_addresses"  # in the store, and as a lane of faults
CANCEL_S = 5 * 60.0
LIMIT = 150  # calls in five seconds; only told, and enforced by the fault `throttle`
FILES: Mapping[str, tuple[str, ...]] = {"letter": ("file",), "postcard": ("front", "back")}
_PREFIX = {"letter": "ltr", "postcard": "psc"}
_METADATA = re.compile(r"metadata\[(\w{1,40})\]")
# The others are told of live pieces only, but by this sandbox.
ENABLED_FOR_TEST = frozenset({"created", "rendered_pdf", "failed", "deleted"})

# Faults by name: status, code, message.
REFUSALS: Mapping[str, tuple[int, str, str]] = {
    "throttle": (429, "rate_limit_exceeded", "Rate limit exceeded."),
    "unauthorized": (401, "invalid_api_key", "Your API key is not valid."),
    "unpaid": (401, "payment_method_unverified", "You must have a verified payment method."),
    "no_billing_address": (403, "billing_address_required", "Set up a billing address."),
    "suspended": (422, "invalid_country_covid", "The postal service takes no mail."),
    "undeliverable": (422, "failed_deliverability_strictness", "The address is undeliverable."),
    "fonts": (422, "unembedded_fonts", "The PDF contains unembedded fonts."),
    "conflict": (409, "conflict", "This would leave data in a conflicted state."),
    "500": (500, "internal_server_error", "An error has occurred."),
    "503": (503, "service_unavailable", "Temporarily unavailable."),
}
KINDS = frozenset({*REFUSALS, *WireFault})
LANES: Mapping[str, frozenset[str]] = {PROVIDER: KINDS, ADDRESSES: KINDS}


@dataclass(frozen=True, slots=True)
class Counter:
    """Lob's counter: takes addresses and pieces into the store."""

    settings: SandboxSettings
    store: Store
    faults: FaultBook
    cancel_s: float

    def check_caller(self) -> None:
        """Raises Wrong unless the API key is the user's name."""
        given = request.authorization
        user = (given.username or "") if given and given.type == "basic" else ""
        if not hmac.compare_digest(user.encode(), self.settings.api_key.encode()):
            raise Wrong(*REFUSALS["unauthorized"])

    def take_address(self) -> Response:
        self.check_caller()
        fields = {name: text for name, text in request.form.items() if text}
        check_address(fields)
        now = time.time()
        address = Address(id=f"adr_{uuid4().hex[:16]}", fields=fields, created_at=now)
        self.store.keep(Accepted(address.id, ADDRESSES, None, now, address.model_dump_json()), ())
        return _json(200, address.shown())

    def take(self, kind: str) -> Response:
        """Check and keep a piece; while its key lives the first one, whatever this one says."""
        self.check_caller()
        key = request.headers.get("Idempotency-Key", "")
        if len(key) > 256:
            raise Wrong(422, "invalid", "Idempotency-Key must be no longer than 256 characters")
        now = time.time()
        piece = self._read(kind, now)
        owed = [_receipt(f"{kind}.{what}", at) for what, at in piece.plan]
        lasting = Key(f"{kind}/{key}", "", now - self.settings.idempotency_life_s) if key else None
        kept = self.store.keep(_accepted(piece), self.faults.bend(owed), key=lasting)
        return _json(200, _piece(kept).shown(now))

    def cancel(self, kind: str, piece_id: str) -> Response:
        piece = self.get(kind, piece_id)
        now = time.time()
        if not piece.deleted:
            if now > piece.send_at:
                raise Wrong(422, "not_deletable", "Its cancellation window has passed.")
            deleted = piece.model_copy(update={"deleted": True})
            self.store.amend(_accepted(deleted), [_receipt(f"{kind}.deleted", now)], at=now)
        return _json(200, {"id": piece.id, "deleted": True})

    def listed(self, kind: str) -> Response:
        self.check_caller()
        wanted = request.args.get("metadata[delivery_id]")
        if wanted is None:
            raise Wrong(422, "invalid", "this sandbox lists by metadata[delivery_id] only")
        found = [_piece(one) for one in self.store.of_delivery(PROVIDER, wanted)]
        shown = [one.shown(time.time()) for one in reversed(found) if one.kind == kind]
        listed = {"object": "list", "next_url": None, "previous_url": None}
        return _json(200, listed | {"data": shown, "count": len(shown)})

    def get(self, kind: str, piece_id: str) -> Piece:
        """Raises Wrong where there is none."""
        self.check_caller()
        found = self.store.get(PROVIDER, piece_id)
        piece = _piece(found) if found else None
        if piece is None or piece.kind != kind:
            raise Wrong(404, "not_found", f"{kind} not found")
        return piece

    def _read(self, kind: str, now: float) -> Piece:
        form = request.form.to_dict()
        check_piece(kind, form, version=request.headers.get("Lob-Version", ""))
        to, sender = (self._address(form.get(name, ""), name) for name in ("to", "from"))
        if sender.country != "US":
            raise Wrong(422, "foreign_return_address", "The 'from' address must be a US address.")
        sides = [file.read() for name in FILES[kind] if (file := request.files.get(name))]
        if len(sides) != len(FILES[kind]):
            raise Wrong(422, "invalid", f"{' and '.join(FILES[kind])} must be files")
        pages, sha256 = check_file(kind, sides, abroad=to.country != "US")
        metadata = {
            match[1]: form.pop(name) for name in list(form) if (match := _METADATA.fullmatch(name))
        }
        piece_id = f"{_PREFIX[kind]}_{uuid4().hex[:16]}"
        steps = letter_steps(to.lines, metadata.get("delivery_id", ""), self.settings)
        told = diary(road(steps, country=to.country), self.settings, about=piece_id, at=now)
        return Piece(
            id=piece_id,
            kind=kind,
            asked=form,
            metadata=metadata,
            to=to,
            sender=sender,
            pages=pages,
            sha256=sha256,
            created_at=now,
            send_at=now + self.cancel_s,
            plan=[(one.kind, one.occurred_at) for one in told],
        )

    def _address(self, address_id: str, role: str) -> Address:
        if address_id == SENDER.id:
            return SENDER
        found = self.store.get(ADDRESSES, address_id)
        if found is None:
            raise Wrong(404, "not_found", f"{role} address not found")
        return Address.model_validate_json(found.facts)


@dataclass(frozen=True, slots=True)
class WebhookWriter:
    """Writes Lob's events, signed now: receivers refuse old signatures."""

    secret: str

    def write(self, claimed: Claimed) -> Post:
        """The signed post of one event."""
        receipt, piece = claimed.receipt, _piece(claimed.about)
        deleted = receipt.kind.endswith(".deleted")
        body = {
            "id": f"evt_{receipt.event_id.replace('-', '')}",
            "body": {"id": piece.id, "deleted": True}
            if deleted
            else piece.shown(receipt.occurred_at),
            "reference_id": piece.id,
            "event_type": {
                "id": receipt.kind,
                "enabled_for_test": receipt.kind.partition(".")[2] in ENABLED_FOR_TEST,
                "resource": f"{piece.kind}s",
                "object": "event_type",
            },
            "date_created": iso(receipt.occurred_at),
            "object": "event",
        }
        text, stamp = json.dumps(body), str(int(time.time() * 1000))
        digest = hmac.new(self.secret.encode(), f"{stamp}.{text}".encode(), "sha256").hexdigest()
        headers = {
            "Content-Type": "application/json",
            "Lob-Signature": digest,
            "Lob-Signature-Timestamp": stamp,
        }
        return Post(headers, text.encode())


def blueprint(
    settings: SandboxSettings, store: Store, faults: FaultBook, *, cancel_s: float = CANCEL_S
) -> Blueprint:
    """Lob's routes, below `/lob/v1`."""
    routes = Blueprint("lob", __name__, url_prefix="/lob/v1")
    counter = Counter(settings, store, faults, cancel_s)
    refusals: dict[str, Callable[[], Response]] = {
        name: partial(_error, Wrong(*words)) for name, words in REFUSALS.items()
    }
    routes.register_error_handler(Wrong, _error)

    @routes.post("/addresses")
    def create_address() -> Response:
        return misbehave(faults.draw(ADDRESSES), counter.take_address, refusals)

    for kind in FILES:
        _add(routes, counter, kind, refusals)
    return routes


def _add(
    routes: Blueprint, counter: Counter, kind: str, refusals: Mapping[str, Callable[[], Response]]
) -> None:
    """The routes of one kind of piece."""

    def create() -> Response:
        return misbehave(counter.faults.draw(PROVIDER), partial(counter.take, kind), refusals)

    def listed() -> Response:
        return counter.listed(kind)

    def one(piece_id: str) -> Response:
        return _json(200, counter.get(kind, piece_id).shown(time.time()))

    def cancel(piece_id: str) -> Response:
        return counter.cancel(kind, piece_id)

    all_of_them, single = f"/{kind}s", f"/{kind}s/<piece_id>"
    routes.add_url_rule(all_of_them, f"create_{kind}", create, methods=["POST"])
    routes.add_url_rule(all_of_them, f"list_{kind}s", listed, methods=["GET"])
    routes.add_url_rule(single, f"get_{kind}", one, methods=["GET"])
    routes.add_url_rule(single, f"cancel_{kind}", cancel, methods=["DELETE"])


def _accepted(piece: Piece) -> Accepted:
    delivery_id = piece.metadata.get("delivery_id")
    return Accepted(piece.id, PROVIDER, delivery_id, piece.created_at, piece.model_dump_json())


def _piece(accepted: Accepted) -> Piece:
    return Piece.model_validate_json(accepted.facts)


def _receipt(kind: str, at: float) -> Receipt:
    return Receipt(str(uuid4()), kind, "", at, at)


def _error(wrong: Wrong) -> Response:
    told = {"message": wrong.message, "status_code": wrong.status, "code": wrong.code}
    return _json(wrong.status, {"error": told})


def _json(status: int, body: Mapping[str, object]) -> Response:
    left = 0 if status == 429 else LIMIT - 1
    limits = {
        "ratelimit-limit": str(LIMIT),
        "ratelimit-remaining": str(left),
        "ratelimit-reset": str(int(time.time()) + 1),
    }
    return Response(json.dumps(body), status, limits, mimetype="application/json")
