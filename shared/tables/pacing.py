"""The tables by which dispatch keeps a pace: of mailboxes, of domains, of a provider's account.

Dispatch owns them.  What they promise holds for all processes together, and over every restart,
because each call asks them first, in the transaction that claims its delivery.
"""

from hashlib import sha256

from sqlalchemy import BigInteger, Column, Date, Float, Integer, String, Table, Text

from shared.tables.columns import METADATA, Id, Instant, partial

_DISPATCH = {"owner": "dispatch"}


def mailbox_key(email: str) -> str:
    """How a mailbox is called here: the same for all campaigns and spellings, and not readable."""
    return sha256(email.strip().lower().encode()).hexdigest()[:40]


# How far a mailbox or a domain is used up.  One row each, made when the first email is planned.
paces = Table(
    "paces",
    METADATA,
    # A mailbox's key; of a domain `@` and its name.
    Column("key", String(255), primary_key=True),
    Column("domain", String(253), nullable=False),
    # When the next email may leave, were there no burst (the "theoretical arrival time" of GCRA).
    Column("free_at", Instant, nullable=False),
    Column("planned_until", Instant),  # the moment of the last single email that was planned
    Column("digest_on", Date),  # the recipient's day on which its last digest left
    Column("refused", Integer, nullable=False, default=0),  # policy rejections in a row
    Column("refused_at", Instant),  # the last of them
    Column("stopped_at", Instant),  # the breaker opened: nothing leaves
    Column("stopped_until", Instant),  # null with `stopped_at`: until a person says so
    Column("stopped_why", Text),
    partial("ix_paces_stopped", "stopped_at", where="stopped_at IS NOT NULL"),
    info=_DISPATCH,
)

# What a provider's account allows, and how much of it is used up.
lanes = Table(
    "lanes",
    METADATA,
    Column("provider", String(32), primary_key=True),
    Column("rate_per_s", Float),  # what we keep to now; null: no limit is known
    Column("quota_per_s", Float),  # what the account allows
    Column("quota_24h", BigInteger),  # rolling; null: none
    Column("sent_24h", BigInteger),
    Column("asked_at", Instant),  # when the account was asked last
    Column("free_at", Instant),  # as of `paces`
    Column("throttled_at", Instant),  # the last time that the provider said "too fast"
    Column("held_until", Instant),
    Column("held_why", Text),
    info=_DISPATCH,
)

# Whom nothing may be sent to: our own list is the truth, a provider's mirrors it.
stops = Table(
    "stops",
    METADATA,
    Column("id", Id, primary_key=True),
    Column("key", String(255), nullable=False),  # a mailbox's key; `recipient:` and its slug
    Column("why", String(32), nullable=False),  # hard_bounce, provider_list, complaint …
    Column("detail", Text, nullable=False),  # in words for people, without an address
    Column("delivery_id", Id),  # what told us
    Column("stopped_at", Instant, nullable=False),
    Column("stopped_by", String(120), nullable=False),
    Column("mirrored_at", Instant),  # when the provider was told
    Column("lifted_at", Instant),
    Column("lifted_by", String(120)),
    partial("uq_stops_key", "key", where="lifted_at IS NULL", unique=True),
    info=_DISPATCH,
)
