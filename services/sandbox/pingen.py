"""Pingen's version 2 as far as Writ speaks it: tokens, uploads, letters, signed webhooks.

In: JSON:API below `/pingen`; tokens at `/pingen/auth/access-tokens`.  Out: letters, and webhooks
for tracking's `/v1/receipts/pingen`, signed as `Signature: <hex HMAC-SHA256 of the body>`.  As with
Pingen a letter is looked at after it was created: bad paper is told by a webhook alone, and a price
is known only then.
"""

import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Annotated, Any, Literal
from uuid import uuid4

from flask import Blueprint, Response, request
from pydantic import BaseModel, Field, ValidationError

from services.sandbox.faults import FaultBook, WireFault, misbehave
from services.sandbox.pingen_letter import Asked, Kept, receipts_of, resource
from services.sandbox.pingen_paper import Paper, look_at
from services.sandbox.settings import SandboxSettings
from services.sandbox.store import Accepted, Key, KeyReused, Store

PROVIDER = "pingen"
KEY_HEADER = "Idempotency-Key"
REPLAYED = {"Idempotent-Replayed": "true"}
MEDIA_TYPE = "application/vnd.api+json"


class Problem(Exception):
    """A request that is answered with an error of JSON:API."""

    def __init__(self, status: int, code: str, title: str) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.title = title


# Faults by name: status, code, title.
REFUSALS: Mapping[str, tuple[int, str, str]] = {
    "throttle": (429, "too_many_requests", "Too many requests."),
    "unauthorized": (401, "access_denied", "The authorization server denied the request."),
    "forbidden": (403, "forbidden", "Not with these rights."),
    "no_credit": (402, "payment_required", "The organisation has no credits."),
    "rejected": (422, "validation_failed", "The given data was invalid."),
    "500": (500, "server_error", "Something broke here."),
    "503": (503, "maintenance", "Back in a minute."),
}
# `pingen` strikes calls that create, `pingen_files` uploads, `pingen_identity` tokens.
LANES = {
    lane: frozenset({*REFUSALS, *WireFault})
    for lane in (PROVIDER, "pingen_files", "pingen_identity")
}


class _Data(BaseModel):
    type: Literal["letters"]
    attributes: Asked


class _Document(BaseModel):
    data: _Data


class _Filter(BaseModel, extra="forbid"):
    file_original_name: Annotated[str, Field(max_length=255)]


@dataclass(frozen=True, slots=True)
class Desk:
    """Where letters are handed in.  Tokens and uploads are gone with a restart, letters are not."""

    settings: SandboxSettings
    store: Store
    faults: FaultBook
    token_life_s: float = 43_200.0
    tokens: dict[str, float] = field(default_factory=dict)  # until when each opens
    papers: dict[str, Paper] = field(default_factory=dict)  # what was uploaded, by its signature

    def grant(self) -> Response:
        asked, now = request.form, time.time()
        known = hmac.compare_digest(
            asked.get("client_secret", "").encode(), self.settings.api_key.encode()
        )
        if asked.get("grant_type") != "client_credentials" or not known:
            return _json(401, {"error": "invalid_client"})
        for token in [one for one, until in self.tokens.items() if until < now]:
            del self.tokens[token]
        token = secrets.token_urlsafe(32)
        self.tokens[token] = now + self.token_life_s
        granted = {"token_type": "Bearer", "expires_in": self.token_life_s, "access_token": token}
        return _json(200, granted)

    def check_caller(self) -> None:
        """Raises Problem unless the token is one of ours, and alive."""
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if self.tokens.get(token, 0.0) < time.time():
            raise Problem(*REFUSALS["unauthorized"])

    def place(self) -> Response:
        self.check_caller()
        sign = secrets.token_urlsafe(32)
        attributes = {
            "url": f"{request.url_root}pingen/uploads/{sign}",
            "url_signature": sign,
            "expires_at": None,
        }
        data = {"id": str(uuid4()), "type": "file_uploads", "attributes": attributes}
        return _json(200, {"data": data})

    def put(self, sign: str) -> Response:
        self.papers[sign] = look_at(request.get_data())
        return Response(status=200)

    def create(self) -> Response:
        """Keeps the letter of the current request; 201, also when it was kept before."""
        self.check_caller()
        key = request.headers.get(KEY_HEADER, "")
        if not 1 <= len(key) <= 64:
            raise Problem(422, "validation_failed", "The key has 1 to 64 characters.")
        kept, new = self._keep(_read(request.get_data()), key)
        return _json(201, {"data": resource(kept)}, {} if new else REPLAYED)

    def _keep(self, asked: Asked, key: str) -> tuple[Accepted, bool]:
        paper = self.papers.get(asked.file_url_signature)
        if paper is None or not asked.file_url.endswith(asked.file_url_signature):
            raise Problem(422, "file_not_found", "The file was not found.")
        now, letter_id = time.time(), str(uuid4())
        letter = Kept.of(asked, paper, self.settings, about=letter_id, at=now)
        accepted = Accepted(letter_id, PROVIDER, asked.reference, now, letter.model_dump_json())
        # A repeat brings its file again, to another place.
        told = asked.model_dump_json(exclude={"file_url", "file_url_signature"}) + paper.sha256
        fingerprint = hashlib.sha256(told.encode()).hexdigest()
        lasting = Key(f"pingen:{key}", fingerprint, now - self.settings.idempotency_life_s)
        owed = self.faults.bend(receipts_of(letter))
        try:
            kept = self.store.keep(accepted, owed, key=lasting)
        except KeyReused as error:
            raise Problem(409, "idempotency_key_reused", "It came with another body.") from error
        return kept, kept.id == letter_id

    def listed(self) -> Response:
        self.check_caller()
        try:
            wanted = _Filter.model_validate_json(request.args.get("filter", "{}"))
        except ValidationError as error:
            raise Problem(422, "validation_failed", "No such filter here.") from error
        reference = wanted.file_original_name.removesuffix(".pdf")
        found = [resource(one) for one in self.store.of_delivery(PROVIDER, reference)]
        return _json(200, {"data": found, "meta": {"total": len(found)}})

    def show(self, letter_id: str) -> Response:
        self.check_caller()
        return _json(200, {"data": resource(self._find(letter_id))})

    def cancel(self, letter_id: str) -> Response:
        """Before it is being printed, and no receipt comes any more."""
        self.check_caller()
        accepted, now = self._find(letter_id), time.time()
        cancelled = Kept.model_validate_json(accepted.facts).cancelled(now)
        if cancelled is None:
            raise Problem(409, "cancellation_rejected", "It is being printed.")
        self.store.amend(replace(accepted, facts=cancelled.model_dump_json()), (), at=now)
        return Response(status=202)

    def _find(self, letter_id: str) -> Accepted:
        if found := self.store.get(PROVIDER, letter_id):
            return found
        raise Problem(404, "not_found", "There is no such letter.")


def blueprint(desk: Desk) -> Blueprint:
    """Pingen's routes below `/pingen`."""
    routes = Blueprint("pingen", __name__, url_prefix="/pingen")
    routes.register_error_handler(Problem, _problem)
    letters = "/organisations/<organisation>/deliveries/letters"

    def struck(lane: str, take: Callable[[], Response]) -> Response:
        """`take`, under what the faults say.  Being refused is no fault: it has happened."""
        return misbehave(desk.faults.draw(lane), partial(_answered, take), _REFUSED)

    @routes.url_value_preprocessor
    def one_organisation(_: str | None, values: dict[str, Any] | None) -> None:
        (values or {}).pop("organisation", None)  # there is but one here

    @routes.put("/uploads/<sign>")
    def upload(sign: str) -> Response:
        return struck("pingen_files", partial(desk.put, sign))

    rules: list[tuple[str, str, Callable[..., Response]]] = [
        ("POST", "/auth/access-tokens", partial(struck, "pingen_identity", desk.grant)),
        ("GET", "/file-upload", partial(struck, "pingen_files", desk.place)),
        ("POST", letters, partial(struck, PROVIDER, desk.create)),
        ("GET", letters, desk.listed),
        ("GET", f"{letters}/<letter_id>", desk.show),
        ("PATCH", f"{letters}/<letter_id>/cancel", desk.cancel),
    ]
    for method, rule, answer in rules:
        routes.add_url_rule(rule, f"{method} {rule}".replace(".", "-"), answer, methods=[method])
    return routes


def _read(body: bytes) -> Asked:
    try:
        return _Document.model_validate_json(body).data.attributes
    except ValidationError as error:
        where = ".".join(map(str, error.errors(include_input=False)[0]["loc"]))
        raise Problem(422, "validation_failed", f"{where} is not as it should be.") from error


def _answered(take: Callable[[], Response]) -> Response:
    try:
        return take()
    except Problem as problem:
        return _problem(problem)


def _problem(problem: Problem) -> Response:
    error = {"code": problem.code, "title": problem.title, "source": {"pointer": None}}
    headers = {"Retry-After": "1"} if problem.status == 429 else {}
    return _json(problem.status, {"errors": [error]}, headers)


_REFUSED: Mapping[str, Callable[[], Response]] = {
    name: partial(_problem, Problem(*words)) for name, words in REFUSALS.items()
}


def _json(
    status: int, body: Mapping[str, Any], headers: Mapping[str, str] | None = None
) -> Response:
    return Response(json.dumps(body), status, dict(headers or {}), mimetype=MEDIA_TYPE)
