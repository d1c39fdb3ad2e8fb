"""Where the post does not go, or not without a person's word: noted by hand, from posts' notices.

Dispatch owns it, and `writ routes import` writes it in dispatch's name.  What was once noted stays:
of a row that left the list, `dropped_at` says when.
"""

from enum import StrEnum

from sqlalchemy import Column, Date, String, Table, Text

from shared.tables.columns import METADATA, Id, Instant


class LimitKind(StrEnum):
    SUSPENDED = "suspended"  # it would come back: nothing is ordered
    RESTRICTED = "restricted"  # may be forbidden to us: a person releases each


class Product(StrEnum):
    """What posts tell apart when they suspend."""

    LETTER = "letter"
    POSTCARD = "postcard"
    PARCEL = "parcel"  # a bundle of letters, a petition


route_limits = Table(
    "route_limits",
    METADATA,
    Column("id", Id, primary_key=True),
    Column("country", String(2), nullable=False),  # of destination, ISO 3166-1 alpha-2
    Column("region", String(3)),  # ISO 3166-2 without the country; null: all of it
    Column("vendor", String(32)),  # a print provider's name; null: whoever prints
    Column("product", String(16)),  # a Product; null: whatever is posted
    Column("kind", String(16), nullable=False),  # a LimitKind
    Column("starts", Date, nullable=False),
    Column("ends", Date),  # its last day; null: until further notice
    Column("reason", Text, nullable=False),  # in words for people
    Column("source", Text, nullable=False),  # the page that says so
    Column("noted_by", String(120), nullable=False),
    Column("noted_at", Instant, nullable=False),
    Column("dropped_at", Instant),  # when it left the list
    info={"owner": "dispatch"},
)
