"""What came back by email: replies of people and machines.  Tracking owns it."""

from sqlalchemy import Column, Index, LargeBinary, String, Table, Text

from shared.privacy import Personal
from shared.tables.columns import METADATA, Id, Instant, partial

_TRACKING = {"owner": "tracking"}

replies = Table(
    "replies",
    METADATA,
    Column("id", Id, primary_key=True),
    Column("source", String(32), nullable=False),  # ses, maildir, mbox
    Column("source_id", String(200), nullable=False),  # the same again when it is read twice
    Column("delivery_id", Id),  # null: nobody can tell what it answers
    Column("matched_by", String(24)),  # token, references, bounce_address, nothing
    Column("kind", String(24), nullable=False),  # auto_reply, acknowledgement, bounce, answer
    Column("sender", Personal("replies.sender")),
    Column("subject", Personal("replies.subject")),
    Column("text", Personal("replies.text")),  # what a person reads of it; null: erased
    Column("message", LargeBinary),  # sealed, as it came; null: erased, or too large
    Column("detail", Text),  # why it was classified so, without names
    Column("received_at", Instant, nullable=False),
    Column("forwarded_at", Instant),  # by the campaign's policy
    Index("uq_replies_source", "source", "source_id", unique=True),
    Index("ix_replies_delivery_id", "delivery_id"),
    partial("ix_replies_unmatched", "received_at", where="delivery_id IS NULL"),
    # What is still kept of people, the oldest first.
    partial("ix_replies_kept", "received_at", where="text IS NOT NULL"),
    info=_TRACKING,
)

# What an erasure, or the end of retention, makes of a reply: that it came stays.
LET_GO = {"sender": None, "subject": None, "text": None, "message": None}
