"""The tables that dispatch writes: deliveries, what rests on them, attempts, print orders."""

from enum import StrEnum

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
)

from shared.privacy import Personal
from shared.tables.columns import METADATA, Id, Instant, feed, partial

_DISPATCH = {"owner": "dispatch"}


class DeliveryState(StrEnum):
    """Where a delivery stands with us.  What became of it later is tracking's to say."""

    DUE = "due"  # waits for its moment, or for a person where `held_reason` is set
    SENDING = "sending"  # claimed: an attempt is under way
    HANDED_OVER = "handed_over"  # the provider took it
    REFUSED = "refused"  # the provider will never take it
    UNKNOWN = "unknown"  # we cannot tell whether the provider took it
    CANCELLED = "cancelled"  # a person stopped it before it left


class AttemptState(StrEnum):
    STARTED = "started"  # committed before the call
    SENT = "sent"  # a provider id came back, or a later proof did
    NOT_SENT = "not_sent"  # provably not taken; the delivery is due again
    REFUSED = "refused"  # provably not taken, and never will be
    UNKNOWN = "unknown"  # nobody can tell yet


#: Carriers of one action and no other.
CARRY_ONE = ("single", "notice")

#: Waiting for its moment, and not on a queue.
DUE_UNWOKEN = "state = 'due' AND held_reason IS NULL AND woken_at IS NULL"
#: On a queue, as far as we know: a wake-up may be lost, see the relay.
DUE_WOKEN = "state = 'due' AND held_reason IS NULL AND woken_at IS NOT NULL"


deliveries = Table(
    "deliveries",
    METADATA,
    *feed("deliveries"),
    Column("id", Id, nullable=False, unique=True),
    Column("carrier", String(16), nullable=False),  # single, digest, petition, notice
    Column("mode", String(8), nullable=False),
    Column("campaign", String(64), nullable=False),
    Column("case", String(64), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("channel", String(16), nullable=False),
    Column("language", String(16), nullable=False),
    Column("recipient", String(64), nullable=False),
    Column("mailbox", String(40)),  # of an email: whose pace it keeps (pacing.py, `mailbox_key`)
    Column("why", Text, nullable=False),  # why this carrier, in words for people
    Column("state", String(16), nullable=False),
    Column("held_reason", Text),  # waits for a person; beside the state, not a state
    Column("released_at", Instant),  # the last time that a person let it go, though restricted
    Column("next_attempt_at", Instant, nullable=False),
    Column("woken_at", Instant),
    Column("attempts", Integer, nullable=False, default=0),
    Column("claimed_at", Instant),
    Column("provider", String(32)),
    Column("provider_id", String(160)),
    Column("planned_at", Instant, nullable=False),
    Column("handed_over_at", Instant),
    Column("closed_at", Instant),  # of a digest: it takes no more actions
    Column("again_of", Id),  # the delivery that came back, and in whose place this one leaves
    Column("moved_to", Id),  # where its actions rest since it was sent again, however often
    # Each finds its few rows without touching what is done, however much is done.
    partial("ix_deliveries_due", "channel", "next_attempt_at", where=DUE_UNWOKEN),
    partial("ix_deliveries_woken", "channel", "woken_at", where=DUE_WOKEN),
    partial("ix_deliveries_sending", "claimed_at", where="state = 'sending'"),
    partial("ix_deliveries_unknown", "next_attempt_at", where="state = 'unknown'"),
    partial("ix_deliveries_held", "id", where="state = 'due' AND held_reason IS NOT NULL"),
    # What waits for one mailbox, the first of it next.
    partial(
        "ix_deliveries_mailbox",
        *("mailbox", "next_attempt_at"),
        where="state = 'due' AND mailbox IS NOT NULL",
    ),
    # What came back leaves again once, and is found from where its actions rest.
    partial("uq_deliveries_again_of", "again_of", where="again_of IS NOT NULL", unique=True),
    partial("ix_deliveries_moved_to", "moved_to", where="moved_to IS NOT NULL"),
    # People search by it.
    partial("ix_deliveries_provider_id", "provider_id", where="provider_id IS NOT NULL"),
    Index("ix_deliveries_case_channel", "case", "channel", "state"),
    # One petition for each recipient gathers all signatures until it is handed over.
    partial(
        "uq_deliveries_open_petition",
        *("campaign", "case", "recipient", "mode"),
        where="carrier = 'petition' AND state = 'due'",
        unique=True,
    ),
    # One digest for each recipient gathers what its mailbox's pace does not carry that day.
    partial(
        "uq_deliveries_open_digest",
        *("campaign", "case", "recipient", "mode"),
        where="carrier = 'digest' AND state = 'due' AND closed_at IS NULL",
        unique=True,
    ),
    info=_DISPATCH,
)

# On which carrier each action rests, once for each recipient: the primary key is the promise.
carriages = Table(
    "carriages",
    METADATA,
    Column("action_id", Id, nullable=False),
    Column("recipient", String(64), nullable=False),
    Column("delivery_id", Id, nullable=False),
    PrimaryKeyConstraint("action_id", "recipient"),
    Index("ix_carriages_delivery_id", "delivery_id"),
    info=_DISPATCH,
)

attempts = Table(
    "attempts",
    METADATA,
    Column("id", Id, primary_key=True),
    Column("delivery_id", Id, nullable=False),
    Column("number", Integer, nullable=False),  # 1 = the first
    Column("state", String(16), nullable=False),
    Column("provider", String(32), nullable=False),
    Column("provider_id", String(160)),
    Column("idempotency_key", String(64), nullable=False),  # the same on a repeat of an unknown
    Column("holder", String(200)),
    Column("address", Personal("attempts.address")),  # really used; a solidarity address is secret
    Column("document", String(200)),  # the .eml or .pdf, under WRIT_DATA_DIR/documents
    Column("detail", Text),  # why it ended so, in words for ops; never a person's
    Column("started_at", Instant, nullable=False),
    Column("ended_at", Instant),
    Index("ix_attempts_delivery_id", "delivery_id", "number", unique=True),
    partial("ix_attempts_unknown", "started_at", where="state = 'unknown'"),
    info=_DISPATCH,
)

print_orders = Table(
    "print_orders",
    METADATA,
    Column("id", Id, primary_key=True),
    Column("delivery_id", Id, nullable=False, unique=True),
    Column("vendor", String(32), nullable=False),
    Column("vendor_order_id", String(160), nullable=False),
    Column("pages", Integer, nullable=False),
    Column("price_minor", BigInteger),  # as the vendor quoted it, in minor units
    Column("currency", String(3)),  # ISO 4217
    Column("ordered_at", Instant, nullable=False),
    info=_DISPATCH,
)

# How far dispatch has read what others write.
cursors = Table(
    "cursors",
    METADATA,
    Column("name", String(32), primary_key=True),
    Column("xact", BigInteger, nullable=False),
    Column("seq", BigInteger, nullable=False),
    info=_DISPATCH,
)

obeyed_commands = Table(
    "obeyed_commands",
    METADATA,
    Column("command_id", Id, primary_key=True),
    Column("effect", Text, nullable=False),
    Column("obeyed_at", Instant, nullable=False),
    info=_DISPATCH,
)
