"""The tables that tracking writes: receipts, events, outcomes, commands."""

from enum import StrEnum

from sqlalchemy import BigInteger, Column, Index, String, Table, Text

from shared.privacy import Personal
from shared.tables.columns import METADATA, Id, Instant, Json, feed

_TRACKING = {"owner": "tracking"}


class Verb(StrEnum):
    """What dispatch can be asked to do."""

    RESOLVE_UNKNOWN = "resolve_unknown"  # arguments: verdict, and provider_id where it is known
    RELEASE = "release"  # a held delivery is due again
    CANCEL = "cancel"  # a delivery that has not left never leaves
    RESEND = "resend"  # what a delivery carried that came back leaves again, on a new one
    # Nothing more to a mailbox or a recipient: arguments `key`, `why`, `detail`, `occurred_at`.
    STOP = "stop"
    LIFT = "lift"  # a stop ends: argument `key`
    BY_LETTER = "by_letter"  # what a stopped mailbox holds goes on paper: argument `recipient`
    SLOW = "slow"  # a domain refused by policy: argument `domain`; dispatch's breaker counts
    RESUME = "resume"  # a domain's breaker closes again: argument `domain`


class Verdict(StrEnum):
    """What became of an attempt that nobody could tell of."""

    SENT = "sent"  # the provider took it
    NOT_TAKEN = "not_taken"  # the provider did not take it; the delivery is due again


# What providers told us, as they said it, once each.
receipts = Table(
    "receipts",
    METADATA,
    Column("id", Id, primary_key=True),
    Column("source", String(32), nullable=False),  # the provider's name
    Column("source_id", String(160), nullable=False),  # the provider's id for this message
    # An SES receipt repeats the email's headers: the supporter's name, the recipient's address.
    Column("body", Personal("receipts.body")),  # null: a person in it was erased
    Column("delivery_id", Id),  # which it is about, where that is known
    Column("received_at", Instant, nullable=False),
    Index("ix_receipts_delivery_id", "delivery_id"),
    Index("uq_receipts_source", "source", "source_id", unique=True),
    info=_TRACKING,
)

# Facts about deliveries; appended, never changed.
events = Table(
    "events",
    METADATA,
    *feed("events"),
    Column("id", Id, nullable=False, unique=True),
    Column("delivery_id", Id, nullable=False),
    Column("word", String(24), nullable=False),  # services/tracking/words.py says which
    Column("reason", String(64)),  # a finer word: hard, mailbox_full, out_of_office …
    Column("status", String(16)),  # the enhanced status code (RFC 3463), where there is one
    Column("detail", Text),  # what the provider said, without names and addresses
    Column("provider_id", String(160)),
    Column("occurred_at", Instant, nullable=False),
    Column("received_at", Instant, nullable=False),
    Column("receipt_id", Id),
    Index("ix_events_delivery_id", "delivery_id", "occurred_at"),
    # The latest Send event tells how far a provider's stream has moved.
    Index("ix_events_word_occurred_at", "word", "occurred_at"),
    info=_TRACKING,
)

# What the events of a delivery add up to.  Only deliveries that have receipts have a row.
outcomes = Table(
    "outcomes",
    METADATA,
    Column("delivery_id", Id, primary_key=True),
    Column("state", String(24), nullable=False),
    Column("reason", String(64)),
    Column("since", Instant, nullable=False),
    Index("ix_outcomes_state", "state"),
    info=_TRACKING,
)

# What people and tracking ask of dispatch: the one edge that points back.
commands = Table(
    "commands",
    METADATA,
    *feed("commands"),
    Column("id", Id, nullable=False, unique=True),
    Column("verb", String(32), nullable=False),  # a Verb
    Column("delivery_id", Id),
    Column("attempt_id", Id),
    Column("arguments", Json, nullable=False),
    Column("given_by", String(120), nullable=False),
    Column("why", Text, nullable=False),
    Column("given_at", Instant, nullable=False),
    info=_TRACKING,
)

# How far tracking has read what others write.
tracking_cursors = Table(
    "tracking_cursors",
    METADATA,
    Column("name", String(32), primary_key=True),
    Column("xact", BigInteger, nullable=False),
    Column("seq", BigInteger, nullable=False),
    info=_TRACKING,
)
