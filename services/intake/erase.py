"""Erases supporters: who they were goes, what they did still counts.

Owns `erasures`, the feed by which dispatch and tracking forget theirs.  In: whom, or which actions.
Out: how many were erased now.  Country, case, kind, channel, standing and times stay, and with them
every sum.  Files that are open leave out the rows of who was erased: leave_out.py.
"""

import datetime as dt
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Connection,
    bindparam,
    case,
    delete,
    func,
    insert,
    null,
    select,
    update,
)

from services.intake import audit
from services.intake.identity import canonical_email, handle, same_thing
from services.intake.leave_out import Handles, leave_out
from shared.privacy import identity
from shared.tables.intake import (
    actions,
    erasures,
    notices,
    word_prints,
)
from shared.tables.writing_events import imports

CHUNK = 1000  # actions in one step

_LOOKED_AT = ("id", "seq", "client_id", "campaign", "supporter_identity", "duplicate_key")
_OF_A_FILE_THAT_IS_DONE = actions.c.import_id.in_(
    select(imports.c.id).where(imports.c.ended_at.is_not(None))
)
_BLANK = (
    update(actions)
    .where(actions.c.id == bindparam("b_id"))
    .values(
        supporter_name=None,
        supporter_email=None,
        words=None,
        reference=None,
        # The line of an organiser's own file; while that is read, it says that this one is done.
        import_row=case((_OF_A_FILE_THAT_IS_DONE, null()), else_=actions.c.import_row),
        supporter_identity=bindparam("b_identity"),
        supporter_ref=bindparam("b_ref"),
        duplicate_key=bindparam("b_duplicate_key"),
        erased_at=bindparam("b_at"),
    )
)


@dataclass(slots=True, kw_only=True)
class Erasure:
    """One erasure, in as many transactions as it needs.

    Identities are replaced by hashes under a key that nobody ever learns: within one erasure the
    same person stays one person, and distinct supporters can still be counted.  The first action
    stays the first of its duplicates.  What the same person does later is new: nobody may know
    better.
    """

    at: dt.datetime
    chunk: int = CHUNK
    _key: bytes = field(default_factory=lambda: os.urandom(32), repr=False, init=False)
    _after: int = field(default=-1, init=False)  # the `seq` that is behind us

    def next(self, connection: Connection, which: ColumnElement[bool]) -> Counter[str]:
        """Erases the next chunk of them, oldest first; how many of each campaign."""
        rows = connection.execute(
            select(*(actions.c[name] for name in _LOOKED_AT))
            .where(which, actions.c.erased_at.is_(None), actions.c.seq > self._after)
            .order_by(actions.c.seq)
            .limit(self.chunk)
            .with_for_update()
        ).all()
        if rows:
            self._after = rows[-1].seq
            self._erase(connection, rows)
        return Counter(row.campaign for row in rows)

    def _erase(self, connection: Connection, rows: Sequence[Any]) -> None:
        ids = [row.id for row in rows]
        connection.execute(_BLANK, [self._blank(row) for row in rows])
        for table in (word_prints, notices):
            connection.execute(delete(table).where(table.c.action_id.in_(ids)))
        connection.execute(
            insert(erasures), [{"action_id": one, "erased_at": self.at} for one in ids]
        )

    def _blank(self, row: Any) -> dict[str, Any]:
        nobody = identity(self._key, row.supporter_identity.hex())
        return {
            "b_id": row.id,
            "b_identity": nobody,
            "b_ref": handle(self._key, row.client_id, nobody),
            "b_duplicate_key": row.duplicate_key and same_thing(self._key, row.duplicate_key),
            "b_at": self.at,
        }


@dataclass(frozen=True, slots=True)
class Whom:
    """One supporter who is to be erased."""

    actions: ColumnElement[bool]
    known_as: Handles = field(repr=False)
    client_id: UUID | None = None  # whose actions and files alone; None: everybody's


def erase(
    connection: Connection, whom: Whom, *, at: dt.datetime, actor: str, subject: str, why: str
) -> int:
    """Erases a supporter's actions, in the running transaction; 0 where none are left.

    `subject` is for the audit log and must not tell who it was, nor hold the handle of who it was.
    """
    files = leave_out(connection, whom.known_as, client_id=whom.client_id)
    erasure, erased = Erasure(at=at), Counter[str]()
    while found := erasure.next(connection, whom.actions):
        erased += found
    if erased or files:
        audit.record(
            connection,
            actor=actor,
            act="supporter_erased",
            subject=subject,
            number=erased.total(),
            why=why,
            details={"campaigns": dict(erased), "left_out_of_files": files},
            at=at,
        )
    return erased.total()


@dataclass(frozen=True, slots=True)
class ToErase:
    """What an erasure would take: actions of one campaign through one client."""

    campaign: str
    client_id: UUID
    actions: int


def preview(connection: Connection, whom: Whom) -> list[ToErase]:
    """The same choice as `erase` would make, by campaign and client."""
    of = (actions.c.campaign, actions.c.client_id)
    rows = connection.execute(
        select(*of, func.count()).where(whom.actions, actions.c.erased_at.is_(None)).group_by(*of)
    )
    return sorted((ToErase(*row) for row in rows), key=lambda one: (one.campaign, -one.actions))


def of_client(client_id: UUID, ref: str) -> Whom:
    """The supporter whom one client knows by `ref`, as far as that client handed them in."""
    mine = (actions.c.client_id == client_id) & (actions.c.supporter_ref == ref)
    return Whom(mine, lambda _: {ref}, client_id)


def of_ref(connection: Connection, identity_key: bytes, ref: str) -> Whom:
    """The supporter whom one client knows by `ref`, through whatever client.

    Who that is, is looked up first: erasing takes the ref away, chunk by chunk.
    """
    wanted = (
        select(actions.c.supporter_identity)
        .where(actions.c.supporter_ref == ref, actions.c.erased_at.is_(None))
        .distinct()
    )
    found = connection.scalars(wanted).all()

    def known_as(client_id: UUID) -> set[str]:
        return {handle(identity_key, client_id, person) for person in found} or {ref}

    return Whom(actions.c.supporter_identity.in_(found), known_as)


def of_email(identity_key: bytes, email: str) -> Whom:
    """The supporter with this address, as accept.py knows them, through whatever client."""
    person = identity(identity_key, f"email:{canonical_email(email)}")
    whoever = actions.c.supporter_identity == person
    return Whom(whoever, lambda client_id: {handle(identity_key, client_id, person)})
