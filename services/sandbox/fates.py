"""Decides what becomes of an email or a letter: by a magic word in its address, else by chance.

The words are those of the SES mailbox simulator (`bounce@…`, labels allowed: `bounce+x@…`) on any
domain, and RETURNED or REJECTED in a line of a postal address.  In: an address.  Out: the steps.
`refuse-…@` is not taken at all: `refuse-throttle@…` is answered as the fault `throttle` is.
"""

from collections.abc import Sequence
from enum import StrEnum
from uuid import uuid4

from services.sandbox.chance import fraction
from services.sandbox.settings import SandboxSettings
from services.sandbox.store import Receipt


class EmailStep(StrEnum):
    """A kind of receipt that SES sends."""

    SEND = "send"
    DELIVERY = "delivery"
    DELAY = "delivery_delay"
    BOUNCE = "bounce"  # Permanent/General
    SUPPRESSED = "bounce_suppressed"  # Permanent/OnAccountSuppressionList
    MAILBOX_FULL = "bounce_mailbox_full"  # Transient/MailboxFull
    AUTO_REPLY = "bounce_auto_reply"  # Transient/General, which comes after a Delivery
    COMPLAINT = "complaint"
    REJECT = "reject"
    RENDERING_FAILURE = "rendering_failure"  # instead of all others: its template lacked a value


class PrintStep(StrEnum):
    """A kind of receipt that the print vendor sends; the word is its event type."""

    ACCEPTED = "order.accepted"
    PRINTED = "order.printed"
    POSTED = "order.posted"
    DELIVERED = "order.delivered"
    RETURNED = "order.returned"
    REJECTED = "order.rejected"


DELIVERED = (EmailStep.DELIVERY,)
REFUSED = "refuse-"
MAGIC_EMAILS: dict[str, tuple[EmailStep, ...]] = {
    "success": DELIVERED,
    "bounce": (EmailStep.BOUNCE,),
    "softbounce": (EmailStep.MAILBOX_FULL,),
    "ooto": (EmailStep.DELIVERY, EmailStep.AUTO_REPLY),
    "complaint": (EmailStep.DELIVERY, EmailStep.COMPLAINT),
    "suppressionlist": (EmailStep.SUPPRESSED,),
    "reject": (EmailStep.REJECT,),
}
# Of a number drawn from [0, 1): below 0.01 it bounces, below 0.03 it is late, below 0.04 …
# For now: a mailbox that is gone is gone for every email, and Writ would rightly stop it.
LIFELIKE_EMAILS: tuple[tuple[float, tuple[EmailStep, ...]], ...] = (
    (0.01, MAGIC_EMAILS["softbounce"]),
    (0.03, (EmailStep.DELAY, EmailStep.DELIVERY)),
    (0.04, MAGIC_EMAILS["ooto"]),
)
LIFELIKE_RETURNED = 0.01
MAGIC_LETTERS: dict[str, tuple[PrintStep, ...]] = {
    "RETURNED": (PrintStep.PRINTED, PrintStep.POSTED, PrintStep.RETURNED),
    "REJECTED": (PrintStep.REJECTED,),
}
ARRIVES = (PrintStep.PRINTED, PrintStep.POSTED, PrintStep.DELIVERED)


def refusal(addresses: Sequence[str]) -> str | None:
    """The fault that one of the addresses asks for, by its name in the fault book."""
    words = [_word(address) for address in addresses]
    asked = [word.removeprefix(REFUSED) for word in words if word.startswith(REFUSED)]
    return asked[0].replace("-", "_") if asked else None


def email_steps(address: str, delivery_id: str, settings: SandboxSettings) -> tuple[EmailStep, ...]:
    """What SES will tell about one recipient, in order, after the Send event."""
    word = _word(address)
    if word in MAGIC_EMAILS:
        return MAGIC_EMAILS[word]
    chance = fraction(settings.seed, "email", delivery_id) if settings.lifelike else 1.0
    return next((steps for below, steps in LIFELIKE_EMAILS if chance < below), DELIVERED)


def letter_steps(
    lines: Sequence[str], delivery_id: str, settings: SandboxSettings
) -> tuple[PrintStep, ...]:
    """What the print vendor will tell about one letter, in order, after it was accepted."""
    text = " ".join(lines)
    for word, steps in MAGIC_LETTERS.items():
        if word in text:
            return steps
    chance = fraction(settings.seed, "letter", delivery_id) if settings.lifelike else 1.0
    return MAGIC_LETTERS["RETURNED"] if chance < LIFELIKE_RETURNED else ARRIVES


def _word(address: str) -> str:
    return address.partition("@")[0].partition("+")[0].lower()


def diary(
    steps: Sequence[str],
    settings: SandboxSettings,
    *,
    about: str,
    recipient: str = "",
    at: float,
    first: int = 0,
) -> list[Receipt]:
    """The receipts of `steps`: the first is `first` delays after `at`, each next one a delay on."""
    low, high = settings.receipt_delay_s
    delay = low + (high - low) * fraction(settings.seed, "delay", about, recipient)
    times = [at + (first + number) * delay for number in range(len(steps))]
    return [
        Receipt(str(uuid4()), step, recipient, time, time)
        for step, time in zip(steps, times, strict=True)
    ]
