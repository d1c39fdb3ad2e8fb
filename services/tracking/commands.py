"""Commands: what people, and tracking itself, ask of dispatch.  The one edge that points back.

Owns `commands`.  A command is given once under its id and never changed; dispatch obeys it in
order and writes down what it did (`obeyed_commands`).
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy import Connection

from shared.clock import new_id
from shared.database import insert_new
from shared.tables.tracking import Verb, Verdict, commands

# Names the verdicts: one of each kind for an attempt, whoever finds it first.
_VERDICTS = UUID("c0e9c6e2-5a63-5a53-8a8e-2b8e6a3f7d10")


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One wish, by whom, and why.  `why` is for people and names none of them."""

    verb: Verb
    given_by: str
    why: str
    delivery_id: UUID | None = None  # None: it is about no single delivery
    attempt_id: UUID | None = None
    arguments: Mapping[str, Any] = field(default_factory=dict)
    id: UUID = field(default_factory=new_id)


def verdict_id(attempt_id: UUID, verdict: Verdict) -> UUID:
    """The id of the one command that gives this verdict on this attempt."""
    return uuid5(_VERDICTS, f"{attempt_id}|{verdict}")


def give(connection: Connection, command: Command, now: dt.datetime) -> bool:
    """Writes the command down; False where one of this id was given before."""
    row = {
        "id": command.id,
        "verb": command.verb.value,
        "delivery_id": command.delivery_id,
        "attempt_id": command.attempt_id,
        "arguments": dict(command.arguments),
        "given_by": command.given_by[:120],
        "why": command.why,
        "given_at": now,
    }
    return insert_new(connection, commands, [row]) == 1
