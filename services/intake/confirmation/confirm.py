"""Asks supporters by email whether it was them: signed links, and the notices that dispatch sends.

Owns the table `notices`.  In: actions that wait for their supporter.  Out: rows of `notices`, each
with a link that opens one page and tells nobody anything.  When an action was accepted stands in
the database, so that a link need not say until when it works.
"""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol
from uuid import UUID

from services.intake.links import SignedLinks
from shared.clock import Clock, new_id
from shared.privacy import Private

REMINDED_AFTER = dt.timedelta(hours=24)
PATH = "/confirm/"


class NoticeKind(StrEnum):
    CONFIRM = "confirm"  # was this you?
    REMIND = "remind"  # the same once more


class Waiting(Protocol):
    """An action; nothing of it is told but that it is this one."""

    @property
    def id(self) -> UUID: ...


@dataclass(frozen=True, slots=True)
class Confirmations:
    """Makes links and reads them."""

    identity_key: bytes = field(repr=False)
    public_url: str  # where supporters' browsers reach intake
    clock: Clock

    def notices_for(self, waiting: Iterable[Waiting]) -> list[dict[str, Any]]:
        """Rows of `notices` that ask about each of these actions."""
        now = self.clock()
        return [self.notice(one.id, NoticeKind.CONFIRM, now) for one in waiting]

    def notice(self, action_id: UUID, kind: NoticeKind, now: dt.datetime) -> dict[str, Any]:
        """One row of `notices`."""
        notice_id = new_id()
        return {
            "id": notice_id,
            "action_id": action_id,
            "kind": kind,
            "link": Private(notice_id, self._links.link(action_id)),
            "made_at": now,
        }

    def token(self, action_id: UUID) -> str:
        return self._links.token(action_id)

    def action_of(self, token: str) -> UUID | None:
        """The action that a token of ours stands for, whatever a mail program hung on to it."""
        return self._links.id_of(token)

    @property
    def _links(self) -> SignedLinks:
        return SignedLinks(self.identity_key, b"confirm", f"{self.public_url}{PATH}")
