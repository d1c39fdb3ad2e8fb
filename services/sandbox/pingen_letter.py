"""A letter at the sandbox's Pingen: what was asked, what becomes of it, how it is shown and told.

Knows no web framework.  In: what was asked, and the paper.  Out: facts for the store, receipts by
the codes of Pingen's events, resources and webhooks of JSON:API.
"""

import hmac
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, NamedTuple
from uuid import NAMESPACE_URL, uuid4, uuid5

from pydantic import BaseModel, ConfigDict, Field

from services.sandbox.fates import PrintStep, diary, letter_steps
from services.sandbox.pingen_paper import CURRENCY, Paper, issue, price
from services.sandbox.postman import Post
from services.sandbox.settings import SandboxSettings
from services.sandbox.store import Accepted, Claimed, Receipt, iso

ORGANISATION = "b85c7b52-debb-4b15-b5db-d86b0a4e9bbf"
SENT, DELIVERED = "transferred_to_distributor", "delivered"
# By the code of the event: the webhook's category, and what people read.
EVENTS: Mapping[str, tuple[str, str]] = {
    SENT: ("sent", "Handed to distributor"),
    DELIVERED: ("delivered", "Delivered"),
    "undeliverable": ("undeliverable", "Undeliverable"),
    "content_failed_inspection": ("issues", "The content did not pass the inspection"),
    "file_not_a4_portrait": ("issues", "The file is not A4 portrait"),
    "file_size_over_limit": ("issues", "The file is too large"),
    "file_too_many_pages": ("issues", "Page limit exceeded"),
    "invalid_pdf_binary_content": ("issues", "The file is no valid PDF"),
}
REASONED = frozenset({"issues", "undeliverable"})  # the categories that say why
BEFORE_PRINTING = frozenset({"validating", "valid", "accepted"})
# The post tells what it delivered only where it tracks, and that costs more.
TRACKED = frozenset({"premium"})


class Asked(BaseModel):
    """The attributes of a letter that is created."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    file_original_name: Annotated[str, Field(min_length=5, max_length=255)]
    file_url: Annotated[str, Field(min_length=1, max_length=1000)]
    file_url_signature: Annotated[str, Field(min_length=1, max_length=60)]
    address_position: Literal["left", "right"]
    auto_send: bool
    delivery_product: Literal["fast", "cheap", "bulk", "premium"]
    print_mode: Literal["simplex", "duplex"]
    print_spectrum: Literal["color", "grayscale"]

    @property
    def reference(self) -> str:
        return self.file_original_name.removesuffix(".pdf")


class Step(NamedTuple):
    """One state, and the code of the event that is told with it."""

    status: str
    code: str = ""
    at: float = 0.0  # Unix seconds


class Kept(BaseModel):
    """What Pingen remembers of a letter."""

    model_config = ConfigDict(frozen=True)

    asked: Asked
    paper: Paper
    plan: tuple[Step, ...]

    @classmethod
    def of(
        cls, asked: Asked, paper: Paper, settings: SandboxSettings, *, about: str, at: float
    ) -> "Kept":
        steps = [Step("validating"), *_fate(asked, paper, settings)]
        times = diary([step.status for step in steps], settings, about=about, at=at)
        plan = [step._replace(at=one.occurred_at) for step, one in zip(steps, times, strict=True)]
        return cls(asked=asked, paper=paper, plan=tuple(plan))

    def status(self, now: float) -> str:
        return [step.status for step in self.plan if step.at <= now][-1]

    def cancelled(self, now: float) -> "Kept | None":
        """The same letter, that will not be printed; None where it is too late."""
        if self.status(now) not in BEFORE_PRINTING:
            return None
        past = tuple(step for step in self.plan if step.at <= now)
        return self.model_copy(update={"plan": (*past, Step("cancelled", at=now))})


def receipts_of(letter: Kept) -> list[Receipt]:
    """One for each event that a webhook tells."""
    return [
        Receipt(str(uuid4()), step.code, "", step.at, step.at) for step in letter.plan if step.code
    ]


def resource(accepted: Accepted, now: float | None = None) -> dict[str, Any]:
    """A letter as Pingen shows it; its price only once it was validated."""
    letter = Kept.model_validate_json(accepted.facts)
    asked, paper = letter.asked, letter.paper
    status = letter.status(time.time() if now is None else now)
    seen = status != "validating" and paper.pages > 0
    minor = price(
        paper.pages,
        duplex=asked.print_mode == "duplex",
        colour=asked.print_spectrum == "color",
        product=asked.delivery_product,
    )
    attributes = {
        **asked.model_dump(exclude={"file_url", "file_url_signature", "auto_send"}),
        "status": status,
        "file_pages": paper.pages if seen else None,
        "address": "\n".join(paper.address) if seen else None,
        "country": paper.country if seen else None,
        "price_currency": CURRENCY if seen else None,
        "price_value": minor / 100 if seen else None,
        "source": "api",
        "tracking_number": None,
        "created_at": iso(accepted.accepted_at),
    }
    return {"type": "letters", "id": accepted.id, "attributes": attributes}


@dataclass(frozen=True, slots=True)
class WebhookWriter:
    """Writes Pingen's webhooks.  The signature knows no time, so it is the same at each try."""

    secret: str

    def write(self, claimed: Claimed) -> Post:
        """The signed post of one receipt."""
        body = json.dumps(_webhook(claimed)).encode()
        digest = hmac.new(self.secret.encode(), body, "sha256").hexdigest()
        return Post({"Content-Type": "application/vnd.api+json", "Signature": digest}, body)


def _webhook(claimed: Claimed) -> dict[str, Any]:
    receipt, letter_id = claimed.receipt, claimed.about.id
    category, name = EVENTS[receipt.kind]
    at, event_id = iso(receipt.occurred_at), str(uuid5(NAMESPACE_URL, receipt.event_id))
    attributes = {"url": "https://tracking.example/v1/receipts/pingen", "created_at": at}
    if category in REASONED:
        attributes["reason"] = name
    letter = {"data": {"type": "letters", "id": letter_id}}
    event = {
        **{"code": receipt.kind, "name": name, "producer": "Pingen", "location": ""},
        **{"has_image": False, "data": [], "emitted_at": at, "created_at": at},
    }
    return {
        "data": {
            "type": f"webhook_{category}",
            "id": receipt.event_id,
            "attributes": attributes,
            "relationships": {
                "organisation": {"data": {"type": "organisations", "id": ORGANISATION}},
                "deliverable": letter,
                "letter": letter,
                "event": {"data": {"type": "deliverables_events", "id": event_id}},
            },
        },
        "included": [
            {"type": "organisations", "id": ORGANISATION, "attributes": {"name": "Example"}},
            resource(claimed.about, receipt.occurred_at),
            *(
                {"type": kind, "id": event_id, "attributes": event}
                for kind in ("deliverables_events", "letters_events")
            ),
        ],
    }


def _fate(asked: Asked, paper: Paper, settings: SandboxSettings) -> list[Step]:
    if code := issue(paper):
        # What could be mended in Pingen's app waits for that.
        status = "action_required" if code == "content_failed_inspection" else "invalid"
        return [Step(status, code)]
    if not asked.auto_send:
        return [Step("valid")]
    fate = letter_steps(paper.address, asked.reference, settings)
    if PrintStep.REJECTED in fate:
        return [Step("accepted"), Step("rejected", "content_failed_inspection")]
    sent = [Step("accepted"), Step("printing"), Step("sent", SENT)]
    if PrintStep.RETURNED in fate:
        return [*sent, Step("undeliverable", "undeliverable")]
    return [*sent, Step(DELIVERED, DELIVERED)] if asked.delivery_product in TRACKED else sent
