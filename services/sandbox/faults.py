"""Faults on demand: `PUT /sandbox/faults` says what goes wrong, where, and how often.

    {"ses": [{"kind": "throttle", "share": 0.1}], "print": [{"kind": "reset_after", "next": 2}],
     "ses_entries": [{"kind": "transient", "share": 0.2}],
     "ses_account": [{"kind": "500", "next": 1}],
     "account": {"max_rate_per_s": 14, "enforced": true},
     "receipts": {"duplicate": 0.1, "shuffle": true, "delay_s": 5, "drop": 0.01}}

A kind is a provider's own refusal (`throttle`, `500`, …; each lane lists them) or one of
`WireFault`.  Those ending in `_after` are the dangerous ones: taken and kept, but no one is told.
`ses` strikes calls that send, `ses_entries` single emails of a bulk call, `ses_account` GetAccount;
`lob` orders of letters and postcards, `lob_addresses` the addresses made before; `pingen` letters
being created, `pingen_files` their uploads, `pingen_identity` the tokens for both.
"""

import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from enum import StrEnum
from typing import Annotated, Literal

from flask import Blueprint, Response, request
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from services.sandbox.chance import fraction
from services.sandbox.store import Receipt
from services.sandbox.wire import Reset, Stalled

Share = Annotated[float, Field(ge=0, le=1)]


class WireFault(StrEnum):
    """What any provider's connection can suffer."""

    STALL = "stall"  # not taken; no answer for `seconds`, then a reset
    STALL_AFTER = "stall_after"  # taken; no answer for `seconds`, then a reset
    RESET_BEFORE = "reset_before"  # not taken; reset
    RESET_AFTER = "reset_after"  # taken; reset
    ERROR_AFTER = "500_after"  # taken; answered with the provider's 500
    GARBAGE_AFTER = "garbage_after"  # taken; answered 200 with something that is not JSON


class Fault(BaseModel):
    """One thing that goes wrong, for a share of the calls or for the next so many."""

    model_config = ConfigDict(extra="forbid")

    kind: str
    share: Share | None = None
    next: Annotated[int, Field(ge=0)] | None = None
    seconds: Annotated[float, Field(gt=0, le=600)] = 60.0

    @model_validator(mode="after")
    def _one_measure(self) -> "Fault":
        if (self.share is None) == (self.next is None):
            raise ValueError("give either `share` or `next`")
        return self


class ReceiptFaults(BaseModel):
    """What goes wrong with receipts on their way."""

    model_config = ConfigDict(extra="forbid")

    duplicate: Share = 0.0  # posted twice
    shuffle: bool = False  # those of one email or order arrive out of order
    delay_s: Annotated[float, Field(ge=0)] = 0.0  # later than they would
    drop: Share = 0.0  # never posted
    hidden_s: Annotated[float, Field(ge=0)] = 30.0  # so long SQS hides what is in somebody's hands
    reappear: Share = 0.0  # of an SQS queue's answers: visible to others while in somebody's hands
    signature_version: Literal["1", "2"] = "2"  # of SNS: SHA-1 or SHA-256


class AccountFaults(BaseModel):
    """What is amiss with the account at SES; what is not said is as the settings say."""

    model_config = ConfigDict(extra="forbid")

    max_24h: Annotated[float, Field(ge=-1)] | None = None  # -1 is unlimited
    max_rate_per_s: Annotated[float, Field(gt=0)] | None = None
    enforced: bool | None = None  # what goes beyond is refused
    sending_enabled: bool = True
    enforcement: Literal["HEALTHY", "PROBATION", "SHUTDOWN"] = "HEALTHY"


class Faults(BaseModel):
    """All that goes wrong at present; nothing, by default."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    ses: list[Fault] = []
    ses_entries: list[Fault] = []
    ses_account: list[Fault] = []
    account: AccountFaults = AccountFaults()
    print_vendor: list[Fault] = Field(default=[], alias="print")
    lob: list[Fault] = []
    lob_addresses: list[Fault] = []
    pingen: list[Fault] = []
    pingen_files: list[Fault] = []
    pingen_identity: list[Fault] = []
    sqs: list[Fault] = []
    receipts: ReceiptFaults = ReceiptFaults()


class UnknownKind(ValueError):
    """No provider knows this kind of fault."""


class FaultBook:
    """The faults in force, drawn by every call; safe between threads, gone with a restart."""

    def __init__(self, seed: int, kinds: Mapping[str, Collection[str]]) -> None:
        """`kinds` names all that each lane knows; a lane is a field of `Faults`."""
        self._seed = seed
        self._kinds = kinds
        self._lock = threading.Lock()
        self._draws = 0
        self.faults = Faults()

    def put(self, faults: Faults) -> None:
        """Replace them all.  Raises UnknownKind."""
        for lane, known in self._kinds.items():
            for fault in getattr(faults, lane):
                if fault.kind not in known:
                    raise UnknownKind(f"{fault.kind}; {lane} knows {', '.join(sorted(known))}")
        self.faults = faults

    def draw(self, lane: str) -> Fault | None:
        """What goes wrong with this call, if anything; it uses up a `next`."""
        faults: list[Fault] = getattr(self.faults, lane)
        return next((fault for fault in faults if self._strikes(fault)), None)

    def happens(self, share: float) -> bool:
        """Whether something that befalls this `share` happens now."""
        return share > 0 and fraction(self._seed, self._count()) < share

    def bend(self, receipts: list[Receipt]) -> list[Receipt]:
        """The receipts of one email or order, due later or out of order while that is asked."""
        faults = self.faults.receipts
        due = [receipt.due_at + faults.delay_s for receipt in receipts]
        if faults.shuffle:
            due.sort(key=lambda _: fraction(self._seed, self._count()))
        return [replace(one, due_at=at) for one, at in zip(receipts, due, strict=True)]

    def _strikes(self, fault: Fault) -> bool:
        if fault.share is not None:
            return self.happens(fault.share)
        with self._lock:
            left, fault.next = fault.next or 0, max((fault.next or 0) - 1, 0)
        return left > 0

    def _count(self) -> int:
        with self._lock:
            self._draws += 1
            return self._draws


def misbehave(
    fault: Fault | None,
    take: Callable[[], Response],
    refusals: Mapping[str, Callable[[], Response]],
) -> Response:
    """Answer a call under `fault`: `take` it, refuse it, or take it and hide that."""
    if fault is None:
        return take()
    if fault.kind in refusals:
        return refusals[fault.kind]()
    if fault.kind == WireFault.STALL:
        return Stalled(fault.seconds)
    if fault.kind == WireFault.RESET_BEFORE:
        return Reset()
    take()
    if fault.kind == WireFault.STALL_AFTER:
        return Stalled(fault.seconds)
    if fault.kind == WireFault.RESET_AFTER:
        return Reset()
    if fault.kind == WireFault.ERROR_AFTER:
        return refusals["500"]()
    return Response("<html>It works!</html>", mimetype="text/html")


def blueprint(book: FaultBook) -> Blueprint:
    """GET, PUT and DELETE of `/sandbox/faults`."""
    routes = Blueprint("faults", __name__)

    @routes.get("/sandbox/faults")
    def show() -> Response:
        return _shown(book.faults)

    @routes.put("/sandbox/faults")
    def put() -> Response:
        try:
            book.put(Faults.model_validate_json(request.get_data()))
        except (ValidationError, UnknownKind) as error:
            return Response(str(error), status=422, mimetype="text/plain")
        return _shown(book.faults)

    @routes.delete("/sandbox/faults")
    def delete() -> Response:
        book.put(Faults())
        return _shown(book.faults)

    return routes


def _shown(faults: Faults) -> Response:
    return Response(faults.model_dump_json(by_alias=True), mimetype="application/json")
