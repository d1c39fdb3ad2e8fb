"""What a fact says about an address: gone, full for too long, complained about, or our fault.

Pure: tables and arithmetic.  In: a fact's word, reason and enhanced status code.  Out: a `Meaning`;
and whether soft bounces are enough to call an address bad.
Source of the codes: RFC 3463, and IANA's "SMTP Enhanced Status Codes".  A campaign's offices are
few and chosen by hand: a bounce is an alarm about one address, and no trouble that passes by itself
may end what an office gets.
"""

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from services.tracking.words import EventWord


class Meaning(StrEnum):
    """What a fact means for the address that it is about."""

    BAD_ADDRESS = "bad_address"  # nobody is there: one is enough
    SOFT = "soft"  # trouble that may pass: SOFT_BOUNCES says how often is too often
    COMPLAINT = "complaint"  # a reader there does not want it
    WITHHELD = "withheld"  # the provider throws away whatever goes there
    POLICY = "policy"  # the receiving domain refuses us, or what we write; no address's fault
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Soft:
    """So many bounces, each at least `apart` after the one before, in so long a time."""

    number: int
    within: dt.timedelta
    apart: dt.timedelta = dt.timedelta(hours=24)  # one bad afternoon counts once


_FORTNIGHT = dt.timedelta(days=14)
#: By reason.  What others do: Adobe Journey Optimizer and Mautic stop at five (Adobe's at least a
#: day apart), IPS at more than four, Engaging Networks at three (mailbox full) and four (routing),
#: and never for spam and policy; Proca stops at the first, and loses offices that answer next day.
#: What is not here never stops an address: an absence notice, a message too large, a delay.
SOFT_BOUNCES: Mapping[str, Soft] = {
    "mailbox_full": Soft(5, _FORTNIGHT),
    "soft": Soft(5, _FORTNIGHT),
    "undetermined": Soft(5, _FORTNIGHT),
    "gave_up": Soft(4, _FORTNIGHT),  # of SES: fourteen hours of silence each
}

_POLICY_REASONS = frozenset({"content_rejected", "spam_detected", "sender_blocked"})
# Of class 5.7, "security or policy", those that speak of the mailbox alone: disabled (RFC 5248),
# and a new owner of the mailbox or of the domain (RFC 7293).
_POLICY_BUT_GONE = frozenset({"5.7.13", "5.7.17", "5.7.18"})
# Greylisting answers so (RFC 6647, section 5): whoever comes again is let in.
_GREYLISTED = "4.7.1"
# A permanent answer that is about the mailbox's room or the message's size or form, and not about
# whether anybody is there.
_FINER: Mapping[str, str] = {
    "5.2.2": "mailbox_full",
    "5.2.3": "message_too_large",
    "5.3.4": "message_too_large",
}
_HARD = frozenset({"hard", "no_such_mailbox"})
_ALONE: Mapping[EventWord, Meaning] = {
    EventWord.COMPLAINED: Meaning.COMPLAINT,
    EventWord.SUPPRESSED: Meaning.WITHHELD,
}
_NOT_ALONE: Mapping[str, Meaning] = {
    "not_spam": Meaning.NOTHING,  # the reader took it out of the spam folder (RFC 6430)
    "own_stop_list": Meaning.WITHHELD,  # SES kept it back for an earlier complaint: nobody read it
}
_BOUNCES = frozenset({EventWord.BOUNCED, EventWord.EXPIRED})


def meaning(word: EventWord, reason: str | None, status: str | None) -> Meaning:
    """What one fact means; `status` is the enhanced status code, where there is one."""
    if word in _ALONE:
        return _NOT_ALONE.get(reason or "", _ALONE[word])
    if word is EventWord.DEFERRED:  # the provider tries on
        return Meaning.POLICY if _is_policy(word, reason, status or "") else Meaning.NOTHING
    return _of_bounce(word, reason, status) if word in _BOUNCES else Meaning.NOTHING


def _of_bounce(word: EventWord, reason: str | None, status: str | None) -> Meaning:
    if status in _POLICY_BUT_GONE:
        return Meaning.BAD_ADDRESS
    if _is_policy(word, reason, status or ""):
        return Meaning.POLICY
    finer = finer_reason(reason, status)
    if finer in _HARD and not (status or "").startswith(("5.5.", "5.6.")):  # our own form
        return Meaning.BAD_ADDRESS
    return Meaning.SOFT if finer in SOFT_BOUNCES else Meaning.NOTHING


def finer_reason(reason: str | None, status: str | None) -> str:
    """The reason as the status code tells it, where that tells more."""
    return _FINER.get(status or "", reason or "")


def _is_policy(word: EventWord, reason: str | None, status: str) -> bool:
    if reason in _POLICY_REASONS or status.startswith("5.7."):
        return True
    innocent = word is EventWord.DEFERRED and status == _GREYLISTED
    return status.startswith("4.7.") and not innocent


def too_often(moments: Iterable[dt.datetime], rule: Soft, now: dt.datetime) -> dt.datetime | None:
    """The first of the latest bounces that together are too many; None where they are not.

    Whatever order they are given in.  From the latest backwards, one that is too near to the one
    counted before it is left out.
    """
    counted: list[dt.datetime] = []
    for moment in sorted(set(moments), reverse=True):
        if moment < now - rule.within:
            break
        if not counted or counted[-1] - moment >= rule.apart:
            counted.append(moment)
        if len(counted) == rule.number:
            return moment
    return None
