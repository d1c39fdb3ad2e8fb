"""What leaves again for what came back, and where its actions rest since.

In: deliveries.  Out: conditions.  A delivery that leaves in place of another says so (`again_of`);
its actions moved to it, and all that carried them before say where to (`moved_to`).  Whoever asks
what a delivery carried, or by which ones an action went, asks with these.
"""

from sqlalchemy import ColumnElement, exists, or_, select

from shared.tables.dispatch import carriages, deliveries
from shared.tables.intake import Standing, actions

#: Of deliveries and carriages: the action rests on it, or did until it was sent again.  From
#: either table the other's rows are found by an index.
CARRIED: ColumnElement[bool] = or_(
    carriages.c.delivery_id == deliveries.c.id, carriages.c.delivery_id == deliveries.c.moved_to
)
#: Of deliveries: another left in its place.
IS_SENT_AGAIN: ColumnElement[bool] = deliveries.c.moved_to.is_not(None)
#: Of actions: it may leave, or leave again.  Nobody took it back, and its supporter is not erased.
MAY_LEAVE: ColumnElement[bool] = (actions.c.standing == Standing.CLEAR) & (
    actions.c.erased_at.is_(None)
)
#: Of deliveries: something rests on it that may leave again.
CARRIES_ON: ColumnElement[bool] = exists(
    select(carriages.c.action_id)
    .join(actions, actions.c.id == carriages.c.action_id)
    .where(carriages.c.delivery_id == deliveries.c.id, MAY_LEAVE)
)
