"""Loads a pack's entries into the catalogue: what is new or changed gets a new version.

Owns the tables `catalogue_entries` and `pack_loads`.  Loading the same pack again changes nothing.
An entry that left its pack stays in the table, no longer current: what was sent can be explained.
Raises:

    LoadFailed
    ├── LoadUnderWay     another load runs at this moment
    └── OfAnotherPack    an entry has the key of one that another pack brought
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, insert, select, update

from shared.catalogue import Entry, entry_key
from shared.clock import Clock, now
from shared.database import Database
from shared.tables.intake import catalogue_entries, pack_loads

Key = tuple[str, str]  # the entry's type and its key


class LoadFailed(Exception):
    """The pack was not loaded, and nothing was changed."""


class LoadUnderWay(LoadFailed):
    """Another load runs at this moment."""


class OfAnotherPack(LoadFailed):
    """An entry has the type and key of one that another pack brought."""


class Effect(StrEnum):
    ADDED = "added"  # new, or back again
    CHANGED = "changed"
    GONE = "gone"  # no longer in its pack


@dataclass(frozen=True, slots=True)
class Change:
    """What a load did to one entry."""

    type: str  # campaign, case, recipient, template
    key: str
    effect: Effect


@dataclass(frozen=True, slots=True)
class _Known:
    pack: str
    digest: str


def load_entries(
    database: Database, pack: str, entries: Iterable[Entry], *, clock: Clock = now
) -> list[Change]:
    """Makes `entries` the whole of what `pack` brings.  Returns what changed; raises LoadFailed."""
    documents = {entry_key(entry): entry.model_dump(mode="json") for entry in entries}
    digests = {key: _digest(document) for key, document in documents.items()}
    with database.begin() as connection:
        if not database.hold(connection, "catalogue"):
            raise LoadUnderWay("another pack is being loaded; try again when it is done")
        changes = _compare(pack, digests, _known(connection))
        if changes:
            version = _note(connection, pack, digests, changes=changes, clock=clock)
            _write(connection, changes, documents, pack=pack, version=version)
    return changes


def _known(connection: Connection) -> dict[Key, _Known]:
    entries = catalogue_entries.c
    rows = connection.execute(
        select(entries.type, entries.key, entries.pack, entries.digest).where(entries.current)
    )
    return {(row.type, row.key): _Known(row.pack, row.digest) for row in rows}


def _compare(pack: str, digests: dict[Key, str], known: dict[Key, _Known]) -> list[Change]:
    foreign = [key for key in digests if key in known and known[key].pack != pack]
    if foreign:
        named = ", ".join(f"{kind} {key} (of {known[kind, key].pack})" for kind, key in foreign)
        raise OfAnotherPack(f"another pack brought: {named}")
    changes = [Change(*key, Effect.ADDED) for key in digests if key not in known]
    changes += [
        Change(*key, Effect.CHANGED)
        for key, digest in digests.items()
        if key in known and known[key].digest != digest
    ]
    changes += [
        Change(*key, Effect.GONE)
        for key, one in known.items()
        if one.pack == pack and key not in digests
    ]
    return sorted(changes, key=lambda change: (change.type, change.key))


def _note(
    connection: Connection,
    pack: str,
    digests: dict[Key, str],
    *,
    changes: list[Change],
    clock: Clock,
) -> int:
    """Writes the row of this load; its number is the version of what it brings."""
    key = connection.execute(
        insert(pack_loads).values(
            pack=pack,
            digest=_digest(sorted(digests.values())),
            changes=[[one.type, one.key, str(one.effect)] for one in changes],
            loaded_at=clock(),
        )
    ).inserted_primary_key
    assert key is not None  # one row was inserted
    return int(key[0])


def _write(
    connection: Connection,
    changes: list[Change],
    documents: dict[Key, dict[str, Any]],
    *,
    pack: str,
    version: int,
) -> None:
    entries = catalogue_entries.c
    for change in changes:
        same = (entries.type == change.type) & (entries.key == change.key) & entries.current
        connection.execute(update(catalogue_entries).where(same).values(current=False))
        if change.effect is not Effect.GONE:
            document = documents[change.type, change.key]
            connection.execute(
                insert(catalogue_entries).values(
                    type=change.type,
                    key=change.key,
                    version=version,
                    pack=pack,
                    digest=_digest(document),
                    document=document,
                    current=True,
                )
            )


def _digest(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
