"""An action as accept.py makes it, for what judges and stores it; and writers of words."""

import datetime as dt
from typing import Any
from uuid import UUID

from services.intake.accept import Action
from shared.api_keys import Mode
from shared.clock import new_id
from shared.tables.intake import Standing
from tests.intake.builders import NOON

CLIENT = UUID(int=7)
KEY = b"i" * 32

#: Long enough to be told from others: each says something else.
LETTER = (
    "I am a teacher in a small town, and I read about this case with my class last week. My pupils"
    " wrote a poem for him, and they ask me every morning whether there is any news from the court."
)
OTHER_LETTER = (
    "As a nurse I have seen what months of fear do to people. Nobody should be kept from a doctor,"
    " and no family should have to guess how their son is; please let somebody visit him soon."
)


def an_accepted(**changes: Any) -> Action:
    """Each has an id, and a supporter, of its own."""
    action_id: UUID = changes.get("id") or new_id()
    at: dt.datetime = changes.get("accepted_at") or NOON
    fields: dict[str, Any] = {
        "id": action_id,
        "client_id": CLIENT,
        "mode": Mode.LIVE,
        "campaign": "letters-2026",
        "case": "mikita",
        "kind": "appeal",
        "channel": "email",
        "language": "en",
        "standing": Standing.CLEAR,
        "duplicate_key": None,
        "recipients": ("prosecutor",),
        "supporter_identity": action_id.bytes * 2,
        "supporter_ref": action_id.hex,
        "supporter_name": "Ana Beispiel",
        "supporter_email": "ana@tools.example",
        "supporter_country": "CH",
        "words": LETTER,
        "consent": {"show_name": True, "show_country": True, "replies": False, "mailings": False},
        "source": None,
        "reference": None,
        "occurred_at": at,
        "accepted_at": at,
    }
    return Action(**fields | changes)
