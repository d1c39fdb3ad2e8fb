"""The words of tracking: what a receipt can tell, and what a delivery's state is shown as.

Facts of one delivery are projected into one state by a table alone: the fact that says the most
wins, whatever came first, late or twice.  record.py keeps it, `SHOWN_STATE` reads it.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import ColumnElement, and_, case, func

from shared.tables.dispatch import DeliveryState, deliveries
from shared.tables.tracking import outcomes


class EventWord(StrEnum):
    """A fact about a delivery, from a provider's receipt."""

    SENT_PROOF = "sent_proof"  # the provider says that it took it
    DEFERRED = "deferred"  # an email not taken in yet; the provider tries on
    AUTO_REPLIED = "auto_replied"  # a machine answered for the mailbox: neither bounce nor reader
    PRINTED = "printed"  # on paper and in its envelope
    REJECTED = "rejected"  # taken, then refused by the provider: a virus, a PDF it cannot print
    POSTED = "posted"  # given to the post
    IN_TRANSIT = "in_transit"  # the post has scanned it on its way
    LEFT_COUNTRY = "left_country"  # handed on to the post of another country, often the last scan
    EXPIRED = "expired"  # the provider gave up after temporary failures
    DELIVERED = "delivered"  # the recipient's mail server took it in; on paper: the post says so
    OPENED = "opened"  # its pictures were fetched: by a reader, or by a machine on the way
    CLICKED = "clicked"  # a link in it was followed: by either
    ACKNOWLEDGED = "acknowledged"  # the office wrote that it has received it
    ANSWERED = "answered"  # somebody wrote back; a person must read what
    BOUNCED = "bounced"  # the recipient's mail server refused it, at once or later
    SUPPRESSED = "suppressed"  # the provider threw it away: the address is on its own stop list
    RETURNED = "returned"  # the post brought it back
    COMPLAINED = "complained"  # the reader marked it as spam


class ShownState(StrEnum):
    """What became of a delivery, in one word for everybody."""

    PLANNED = "planned"  # waits for its moment
    HELD = "held"  # waits for a person
    SENDING = "sending"  # an attempt is under way
    UNKNOWN = "unknown"  # nobody can tell yet whether the provider took it
    CANCELLED = "cancelled"  # by a person, or because its supporter was erased, before it left
    HANDED_OVER = "handed_over"  # the provider took it
    PRINTED = "printed"  # on paper, not yet in the post
    REFUSED = "refused"  # the provider will never deliver it
    POSTED = "posted"  # with the post
    LEFT_COUNTRY = "left_country"  # with the post of another country, which may never tell more
    EXPIRED = "expired"  # the mailbox could not be reached; the provider gave up
    DELIVERED = "delivered"  # arrived, as far as anybody can prove
    ANSWERED = "answered"  # arrived, and somebody wrote back
    BOUNCED = "bounced"  # came back from the mailbox
    RETURNED = "returned"  # came back with the post
    COMPLAINED = "complained"  # arrived, and the reader called it spam


# Recorded only where the campaign asks for it (`follow_reading`).
READING = frozenset({EventWord.OPENED, EventWord.CLICKED})

# What each fact shows the delivery as.
STATE_OF: Mapping[EventWord, ShownState] = {
    EventWord.SENT_PROOF: ShownState.HANDED_OVER,
    EventWord.DEFERRED: ShownState.HANDED_OVER,
    EventWord.AUTO_REPLIED: ShownState.HANDED_OVER,
    EventWord.PRINTED: ShownState.PRINTED,
    EventWord.REJECTED: ShownState.REFUSED,
    EventWord.POSTED: ShownState.POSTED,
    EventWord.IN_TRANSIT: ShownState.POSTED,
    EventWord.LEFT_COUNTRY: ShownState.LEFT_COUNTRY,
    EventWord.EXPIRED: ShownState.EXPIRED,
    EventWord.DELIVERED: ShownState.DELIVERED,
    # Whoever opened it, it had arrived.  It says no more than that, whatever is told of a reader.
    EventWord.OPENED: ShownState.DELIVERED,
    EventWord.CLICKED: ShownState.DELIVERED,
    EventWord.ACKNOWLEDGED: ShownState.DELIVERED,
    EventWord.ANSWERED: ShownState.ANSWERED,
    EventWord.BOUNCED: ShownState.BOUNCED,
    EventWord.SUPPRESSED: ShownState.BOUNCED,
    EventWord.RETURNED: ShownState.RETURNED,
    EventWord.COMPLAINED: ShownState.COMPLAINED,
}

# How much a state says.  Of two facts the one that says more wins: "delivered" means no more than
# that a server took it in, so a bounce or a return after it counts, and before it as well; SES's
# "gave up" is the one failure that a Delivery disproves (it shares its word with auto-replies).
# An answer says more than "delivered" and less than a bounce: whatever mail we cannot tell apart is
# called an answer, so that a person reads it, and must not hide that the mailbox is gone.
RANK: Mapping[ShownState, int] = {
    ShownState.HANDED_OVER: 1,
    ShownState.PRINTED: 2,
    ShownState.REFUSED: 3,
    ShownState.POSTED: 4,
    ShownState.LEFT_COUNTRY: 5,
    ShownState.EXPIRED: 6,
    ShownState.DELIVERED: 7,
    ShownState.ANSWERED: 8,
    ShownState.BOUNCED: 9,
    ShownState.RETURNED: 10,
    ShownState.COMPLAINED: 11,
}

# What dispatch's own word is shown as, where no receipt has told more.
STATE_BEFORE_RECEIPTS: Mapping[DeliveryState, ShownState] = {
    DeliveryState.DUE: ShownState.PLANNED,
    DeliveryState.SENDING: ShownState.SENDING,
    DeliveryState.HANDED_OVER: ShownState.HANDED_OVER,
    DeliveryState.REFUSED: ShownState.REFUSED,
    DeliveryState.UNKNOWN: ShownState.UNKNOWN,
    DeliveryState.CANCELLED: ShownState.CANCELLED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One thing that a receipt tells about its delivery."""

    word: EventWord
    occurred_at: dt.datetime
    reason: str | None = None  # a finer word, ours
    status: str | None = None  # the enhanced status code, "5.1.1" (RFC 3463)
    detail: str | None = None  # what the provider said, without addresses
    provider_id: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the facts of one delivery add up to, and since when."""

    state: ShownState
    reason: str | None
    since: dt.datetime


def outcome_of(fact: Fact) -> Outcome:
    """What one fact adds up to, alone."""
    return Outcome(STATE_OF[fact.word], fact.reason, fact.occurred_at)


# The state everybody sees, for queries over `deliveries` outer-joined with `outcomes`.
SHOWN_STATE: ColumnElement[str] = func.coalesce(
    outcomes.c.state,
    case(
        (
            and_(deliveries.c.state == DeliveryState.DUE, deliveries.c.held_reason.is_not(None)),
            ShownState.HELD.value,
        ),
        *(
            (deliveries.c.state == ours.value, shown.value)
            for ours, shown in STATE_BEFORE_RECEIPTS.items()
        ),
    ),
)
