"""What leaves again for what came back, and where its actions rest since.

In: deliveries.  Out: conditions.  A delivery that leaves in place of another says so (`again_of`);
its actions moved to it, and all that carried them before say where to (`moved_to`).  Whoever asks
what a delivery carried, or by which ones an action went, asks with these; and tracking, which asks
for it, and dispatch, which does it, ask the same of a delivery before.
"""

from collections.abc import Mapping
from enum import StrEnum

from sqlalchemy import ColumnElement, and_, case, exists, literal, not_, null, or_, select

from shared.tables.dispatch import AttemptState, DeliveryState, attempts, carriages, deliveries
from shared.tables.intake import Standing, actions

#: Of deliveries and carriages: the action rests on it, or did until it was sent again, the erased
#: with the others.  From either table the other's rows are found by an index.
RESTS_OR_DID: ColumnElement[bool] = or_(
    carriages.c.delivery_id == deliveries.c.id, carriages.c.delivery_id == deliveries.c.moved_to
)
#: Of deliveries: another left in its place.
IS_SENT_AGAIN: ColumnElement[bool] = deliveries.c.moved_to.is_not(None)
#: Of deliveries: something rests on it that may leave again.  Nobody took it back, and its
#: supporter is not erased.
CARRIES_ON: ColumnElement[bool] = exists(
    select(carriages.c.action_id)
    .join(actions, actions.c.id == carriages.c.action_id)
    .where(
        carriages.c.delivery_id == deliveries.c.id,
        actions.c.standing == Standing.CLEAR,
        actions.c.erased_at.is_(None),
    )
)
_MAY_HAVE_BEEN_TAKEN = exists(
    select(attempts.c.id).where(
        attempts.c.delivery_id == deliveries.c.id,
        attempts.c.state.in_([AttemptState.STARTED, AttemptState.UNKNOWN]),
    )
)
_HAS_ENDED = deliveries.c.state.in_([DeliveryState.HANDED_OVER, DeliveryState.REFUSED])


class Against(StrEnum):
    """Why a delivery does not leave again, in a word that does not change; the first is said."""

    NOTICE = "is_a_notice"  # a question to the supporter, which intake asks anew
    PETITION = "is_a_petition"  # nobody hands petitions over yet
    SENT_AGAIN = "sent_again"  # another left in its place
    NOT_COME_BACK = "not_come_back"  # it arrived, or may yet
    ARRIVED = "had_by_somebody"  # it came back, and somebody had it all the same
    NOT_SETTLED = "not_settled"  # an attempt may have been taken
    NOTHING_LEFT = "nothing_left"  # its actions were erased or taken back
    OTHERS_TOO = "others_too"  # of a client that asks: it carries what others handed in


#: Of deliveries: what dispatch can see.  What receipts tell is tracking's to add.
SEEN_BY_DISPATCH: Mapping[Against, ColumnElement[bool]] = {
    Against.NOTICE: deliveries.c.carrier == "notice",
    Against.PETITION: deliveries.c.carrier == "petition",
    Against.SENT_AGAIN: IS_SENT_AGAIN,
    Against.NOT_SETTLED: or_(not_(_HAS_ENDED), _MAY_HAVE_BEEN_TAKEN),
    Against.NOTHING_LEFT: ~CARRIES_ON,
}


def first_against(seen: Mapping[Against, ColumnElement[bool]]) -> ColumnElement[str | None]:
    """Of deliveries: what stands against sending it again; null where nothing does."""
    known = ((seen[one], literal(one.value)) for one in Against if one in seen)
    return case(*known, else_=null())


def none_against(seen: Mapping[Against, ColumnElement[bool]]) -> ColumnElement[bool]:
    """Of deliveries: nothing stands against it."""
    return and_(*(not_(one) for one in seen.values()))
