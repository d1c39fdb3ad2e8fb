"""What a client is told of an action: enough to act on, and nothing about other clients' people.

In: actions as they stand.  Out: `AcceptedAction`.  That a supporter acted through somebody else
before is nobody's business: such a duplicate is told as if it were the first (held, where it would
be; else accepted), and counted apart.
"""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, select

from services.intake.accept import Action
from services.intake.models import AcceptedAction, Links, Status
from shared.tables.intake import Standing, actions

_PLAIN = {
    Standing.UNCONFIRMED: Status.UNCONFIRMED,
    Standing.HELD: Status.HELD,
    Standing.REJECTED: Status.REJECTED,
    Standing.DISOWNED: Status.DISOWNED,
    Standing.EXPIRED: Status.EXPIRED,
}


def own_firsts(connection: Connection, client_id: UUID, firsts: Iterable[UUID | None]) -> set[UUID]:
    """Those actions that are the client's own."""
    ids = [one for one in firsts if one]
    if not ids:
        return set()
    mine = select(actions.c.id).where(actions.c.id.in_(ids), actions.c.client_id == client_id)
    return set(connection.scalars(mine))


def status(
    standing: str,
    duplicate_of: UUID | None,
    own: set[UUID],
    *,
    held_for: Sequence[str] | None = (),
) -> dict[str, Any]:
    """The fields `status` and `duplicate_of` of an answer.

    `held_for` are moderation's reasons: a probe that is sure to be held would else tell, by being
    accepted, that its supporter acted through somebody else.
    """
    if duplicate_of in own:
        return {"status": Status.DUPLICATE, "duplicate_of": duplicate_of}
    if standing == Standing.DUPLICATE and held_for:
        return {"status": Status.HELD, "duplicate_of": None}
    return {"status": _PLAIN.get(Standing(standing), Status.ACCEPTED), "duplicate_of": None}


def tell(
    connection: Connection, taken: Sequence[Action], *, status_url: str
) -> list[AcceptedAction]:
    """The answers to one client's actions, in order."""
    if not taken:
        return []
    own = own_firsts(connection, taken[0].client_id, (one.duplicate_of for one in taken))
    return [
        AcceptedAction(
            id=one.id,
            **status(one.standing, one.duplicate_of, own, held_for=one.held_for),
            supporter_ref=one.supporter_ref,
            mode=one.mode,
            case=one.case,
            campaign=one.campaign,
            recipients=list(one.recipients),
            links=links(one.id, status_url),
        )
        for one in taken
    ]


def links(action_id: UUID, status_url: str) -> Links:
    here = f"/v1/actions/{action_id}"
    return Links(self=here, timeline=f"{status_url}{here}/timeline")
