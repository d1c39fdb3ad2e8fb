"""Adds to a delivery's reason what preparing it found out, for people who read its timeline.

In: prepared deliveries that were claimed.  Out: `deliveries.why`, each remark once.
"""

from collections.abc import Sequence

from sqlalchemy import Connection, bindparam, update

from services.dispatch.due import Prepared
from shared.tables.dispatch import deliveries

_ADD = (
    update(deliveries)
    .where(
        deliveries.c.id == bindparam("b_id"),
        ~deliveries.c.why.contains(bindparam("b_remark"), autoescape=False),
    )
    .values(why=deliveries.c.why + " " + bindparam("b_remark"))
)


def note_remarks(connection: Connection, ours: Sequence[Prepared]) -> None:
    remarks = [{"b_id": one.due.id, "b_remark": one.remark} for one in ours if one.remark]
    if remarks:
        connection.execute(_ADD, remarks)
