"""Takes accepted actions in: decides where each stands, and stores them, many in one transaction.

Owns the table `actions`.  Every way in ends here: a single POST, a batch, a file, OSDI.  In: what
accept.py checked.  Out: the same actions with their final standing.  Of two that are the same thing
the database lets one be first, whichever process they came through.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

from sqlalchemy import Connection, insert, select, text

from services.intake.accept import Action
from services.intake.confirmation.confirm import Confirmations
from services.intake.moderation.bursts import held_by_bursts, remember
from services.intake.moderation.rules import reasons
from services.intake.rows import insert_all, insert_firsts
from services.intake.settings import Settings
from shared.catalogue import Catalogue
from shared.catalogue_reader import CatalogueReader
from shared.clock import Clock
from shared.privacy import Private
from shared.tables.intake import FIRSTS, Standing, actions, notices

_COLUMNS = tuple(one.name for one in fields(Action))
_PERSONAL = ("supporter_name", "supporter_email", "words")
_TRIES = 3  # a first that is rejected at this very moment makes room

_Rows = list[dict[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Taker:
    catalogue: Callable[[], Catalogue]
    identity_key: bytes = field(repr=False)
    confirmations: Confirmations
    clock: Clock

    def take(
        self,
        connection: Connection,
        accepted: Sequence[Action],
        *,
        catalogue: Catalogue | None = None,
        capped: bool = True,
    ) -> list[Action]:
        """Stores all of them, in the running transaction; in the same order, as they stand now.

        `catalogue`: the one that they were accepted by; a newer one may lack their case.  Not
        `capped`: the client has no daily cap, and nobody need ask the database for it.
        """
        judged = self.judge(connection, accepted, catalogue=catalogue, capped=capped)
        stored = _store(connection, judged)
        remember(connection, stored, self.identity_key, capped=capped)
        waiting = [one for one in stored if one.standing is Standing.UNCONFIRMED]
        if waiting:
            connection.execute(insert(notices), self.confirmations.notices_for(waiting))
        return stored

    def judge(
        self,
        connection: Connection,
        accepted: Sequence[Action],
        *,
        catalogue: Catalogue | None = None,
        capped: bool = True,
    ) -> list[Action]:
        """Moderation's word on each; what waits for its supporter is held only after that."""
        catalogue = catalogue or self.catalogue()
        bursts = held_by_bursts(
            connection, accepted, catalogue, self.identity_key, self.clock(), capped=capped
        )
        judged = []
        for one in accepted:
            held_for = (*reasons(one, catalogue.cases[one.case]), *bursts.get(one.id, ()))
            waits = one.standing is Standing.UNCONFIRMED
            standing = Standing.HELD if held_for and not waits else one.standing
            judged.append(replace(one, held_for=held_for, standing=standing))
        return judged


def _store(connection: Connection, judged: Sequence[Action]) -> list[Action]:
    final = {one.id: one for one in judged}
    left = list(judged)
    for _ in range(_TRIES):
        stored = insert_firsts(connection, rows(left))
        left = [one for one in left if one.id not in stored]
        firsts = _firsts(connection, left)
        seconds = [_second(one, firsts) for one in left if one.duplicate_key in firsts]
        insert_all(connection, rows(seconds))
        final |= {one.id: one for one in seconds}
        left = [one for one in left if one.duplicate_key not in firsts]
        if not left:
            return [final[one.id] for one in judged]
    raise RuntimeError("an action found no place")


def _firsts(connection: Connection, some: Iterable[Action]) -> Mapping[bytes | None, Any]:
    keys = [one.duplicate_key for one in some if one.duplicate_key]
    if not keys:
        return {}
    found = connection.execute(
        select(actions.c.duplicate_key, actions.c.id)
        .where(actions.c.duplicate_key.in_(keys), text(FIRSTS))
        # Whoever drops a first meanwhile waits, and then finds its duplicates to promote.
        .order_by(actions.c.seq)
        .with_for_update(read=True)
    )
    return {row.duplicate_key: row.id for row in found}


def _second(one: Action, firsts: Mapping[bytes | None, Any]) -> Action:
    return replace(one, standing=Standing.DUPLICATE, duplicate_of=firsts[one.duplicate_key])


def rows(some: Iterable[Action]) -> _Rows:
    """What the table holds of actions."""
    return [_row(one) for one in some]


def _row(one: Action) -> dict[str, Any]:
    # Not dataclasses.asdict: it copies deeply, a tenth of the whole request's cost.
    row = {name: getattr(one, name) for name in _COLUMNS}
    for name in _PERSONAL:
        row[name] = Private(one.id, row[name]) if row[name] is not None else None
    row["held_for"] = list(one.held_for) or None
    return row


def make_taker(settings: Settings, catalogue: CatalogueReader, clock: Clock) -> Taker:
    """For a root: the one taker of a process."""
    return Taker(
        catalogue=catalogue.current,
        identity_key=settings.identity_key,
        confirmations=Confirmations(settings.identity_key, settings.public_url, clock),
        clock=clock,
    )
