"""The tables that intake writes: the catalogue, API clients, actions and all ways they arrive."""

from enum import StrEnum

from sqlalchemy import (
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    String,
    Table,
    Text,
)

from shared.privacy import Personal
from shared.tables.columns import METADATA, Counter, Id, Instant, Json, feed, partial

_INTAKE = {"owner": "intake"}


class Standing(StrEnum):
    """What intake made of an action.  Only what is clear is carried."""

    CLEAR = "clear"  # rests on a carrier, or soon will
    COUNTED = "counted"  # by a channel that Writ does not carry
    DUPLICATE = "duplicate"  # the supporter did the same before: kept, counted apart, never sent
    UNCONFIRMED = "unconfirmed"  # waits for the supporter to say "yes, this was me"
    HELD = "held"  # waits for a person, `held_for` says why
    REJECTED = "rejected"  # a person read it and said no
    DISOWNED = "disowned"  # the supporter said "this was not me"
    EXPIRED = "expired"  # nobody confirmed it in time


#: Those that stand for their supporter: a later action with the same key is their duplicate.
FIRSTS = "standing IN ('clear', 'counted', 'held')"


pack_loads = Table(
    "pack_loads",
    METADATA,
    Column("version", Integer, primary_key=True, autoincrement=True),  # grows by one a load
    Column("pack", String(64), nullable=False),
    Column("digest", String(64), nullable=False),  # sha256 of all entries
    Column("changes", Json, nullable=False),  # [["case", "zhang-zhan", "changed"], …]
    Column("loaded_at", Instant, nullable=False),
    info=_INTAKE,
)

# Every version of every campaign, case, recipient and template, as shared/catalogue.py reads it.
catalogue_entries = Table(
    "catalogue_entries",
    METADATA,
    Column("type", String(16), primary_key=True),
    Column("key", String(160), primary_key=True),
    Column("version", Integer, primary_key=True),  # the load that brought it
    Column("pack", String(64), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("document", Json, nullable=False),
    Column("current", Boolean, nullable=False),  # false: replaced, or gone from its pack
    Index("ix_catalogue_entries_current", "current", "type"),
    info=_INTAKE,
)

api_clients = Table(
    "api_clients",
    METADATA,
    Column("id", Id, primary_key=True),
    Column("name", String(120), nullable=False),
    Column("mode", String(8), nullable=False),  # live, or test: planned and rendered, never sent
    Column("scopes", Json, nullable=False),  # ["submit", "read", …]
    Column("campaigns", Json),  # slugs; null: every campaign
    Column("rate_per_s", Integer, nullable=False),  # requests; 0: not limited
    Column("daily_actions", Integer, nullable=False),  # accepted in a day (UTC); 0: not limited
    Column("created_at", Instant, nullable=False),
    Column("revoked_at", Instant),
    info=_INTAKE,
)

# Two may be alive at a time, so that a tool can change its key without a pause.
api_keys = Table(
    "api_keys",
    METADATA,
    Column("id", Id, primary_key=True),
    Column("client_id", Id, nullable=False),
    Column("key_start", String(16), nullable=False),  # to recognise a key without knowing it
    Column("key_hash", LargeBinary(32), nullable=False, unique=True),  # sha256 of the whole key
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant),
    Column("revoked_at", Instant),
    Column("last_used_at", Instant),  # to the minute
    Index("ix_api_keys_client_id", "client_id"),
    info=_INTAKE,
)

# What clients have used of their limits: processes take shares of a window in advance.
client_usage = Table(
    "client_usage",
    METADATA,
    Column("client_id", Id, primary_key=True),
    Column("limit", String(16), primary_key=True),  # requests, actions, or burst
    Column("window", Counter, primary_key=True),  # Unix seconds at which the window began
    Column("taken", Integer, nullable=False),
    Index("ix_client_usage_window", "window"),
    info=_INTAKE,
)

idempotency_records = Table(
    "idempotency_records",
    METADATA,
    Column("client_id", Id, primary_key=True),
    Column("key", String(255), primary_key=True),
    Column("body_hash", LargeBinary(32), nullable=False),
    Column("status", Integer, nullable=False),
    Column("answer", Json, nullable=False),
    Column("created_at", Instant, nullable=False),
    Index("ix_idempotency_records_created_at", "created_at"),
    info=_INTAKE,
)

actions = Table(
    "actions",
    METADATA,
    *feed("actions"),
    Column("id", Id, nullable=False, unique=True),
    Column("client_id", Id, nullable=False),
    Column("mode", String(8), nullable=False),
    Column("campaign", String(64), nullable=False),
    Column("case", String(64), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("channel", String(16), nullable=False),
    Column("language", String(16), nullable=False),
    Column("standing", String(12), nullable=False),  # a Standing
    Column("held_for", Json),  # moderation's reasons: ["link", "burst"]; kept after the decision
    Column("duplicate_key", LargeBinary(32)),  # equal for what one supporter does twice
    Column("duplicate_of", Id),
    Column("recipients", Json, nullable=False),  # slugs; holder and address wait for the sending
    Column("supporter_identity", LargeBinary(32), nullable=False),
    Column("supporter_ref", String(32), nullable=False),  # the client's handle on the supporter
    Column("supporter_name", Personal("actions.supporter_name")),
    Column("supporter_email", Personal("actions.supporter_email")),
    Column("supporter_country", String(2)),
    Column("words", Personal("actions.words")),
    Column("consent", Json, nullable=False),  # booleans, services/intake/models.py names them
    Column("source", String(120)),
    Column("reference", String(120)),  # the client's own name for it
    Column("occurred_at", Instant, nullable=False),
    Column("accepted_at", Instant, nullable=False),
    Column("confirmed_at", Instant),
    Column("import_id", Id),
    Column("import_row", Integer),
    Column("erased_at", Instant),
    Index("ix_actions_reference", "reference", "client_id"),
    Index("ix_actions_client_feed", "client_id", "xact", "seq"),
    Index("ix_actions_supporter_identity", "supporter_identity", "accepted_at"),
    Index("ix_actions_supporter_ref", "supporter_ref", "client_id"),
    # The promise of one action for one key: of two at the same moment, one comes second.
    partial("uq_actions_first", "duplicate_key", where=FIRSTS, unique=True),
    partial("ix_actions_duplicate", "duplicate_key", where="standing = 'duplicate'"),
    partial("ix_actions_held", "id", where="standing = 'held'"),
    partial("ix_actions_unconfirmed", "accepted_at", where="standing = 'unconfirmed'"),
    partial(
        "uq_actions_import", "import_id", "import_row", where="import_id IS NOT NULL", unique=True
    ),
    info=_INTAKE,
)

# Actions that became clear after they were accepted: confirmed, released, or first after all.
clearances = Table(
    "clearances",
    METADATA,
    *feed("clearances"),
    Column("action_id", Id, nullable=False),
    Column("cleared_at", Instant, nullable=False),
    info=_INTAKE,
)

# Emails to supporters that dispatch sends for intake.
notices = Table(
    "notices",
    METADATA,
    *feed("notices"),
    Column("id", Id, nullable=False, unique=True),
    Column("action_id", Id, nullable=False),
    Column("kind", String(16), nullable=False),  # confirm, or remind
    Column("link", Personal("notices.link"), nullable=False),
    Column("made_at", Instant, nullable=False),
    Index("uq_notices_action", "action_id", "kind", unique=True),
    info=_INTAKE,
)

# What near-identical texts have in common, without the texts: parts of a keyed similarity hash.
word_prints = Table(
    "word_prints",
    METADATA,
    Column("action_id", Id, primary_key=True),
    Column("band", SmallInteger, primary_key=True),  # 0 to 3
    Column("case", String(64), nullable=False),
    Column("value", Integer, nullable=False),  # 16 bits of the hash
    Column("print", Counter, nullable=False),  # all 64
    Column("at", Instant, nullable=False),
    Index("ix_word_prints_look", "case", "band", "value", "at"),
    Index("ix_word_prints_at", "at"),
    info=_INTAKE,
)

# Who decided what, when and why; appended, never changed.
audit_log = Table(
    "audit_log",
    METADATA,
    Column("seq", Counter, primary_key=True, autoincrement=True),
    Column("at", Instant, nullable=False),
    Column("actor", String(120), nullable=False),  # a client's id, or the user of the command
    Column("act", String(40), nullable=False),  # actions_released, supporter_erased, …
    Column("subject", String(160), nullable=False),  # an id, or what was chosen
    Column("number", Integer, nullable=False),  # of what it touched
    Column("why", Text, nullable=False),
    Column("details", Json, nullable=False),  # ids and words; never a person's data
    Index("ix_audit_log_subject", "subject"),
    info=_INTAKE,
)

# Actions whose personal data is gone: dispatch and tracking forget theirs.
erasures = Table(
    "erasures",
    METADATA,
    *feed("erasures"),
    Column("action_id", Id, nullable=False, unique=True),
    Column("erased_at", Instant, nullable=False),
    info=_INTAKE,
)
