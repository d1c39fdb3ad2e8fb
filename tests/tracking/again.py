"""Deliveries that came back, and those that left in their place, as dispatch would make them."""

from typing import Any
from uuid import UUID

from sqlalchemy import Connection, insert, or_, select, update

from services.tracking.words import EventWord
from shared.clock import new_id
from shared.database import Database
from shared.tables.dispatch import carriages, deliveries
from tests.tracking.builders import a_delivery, a_fact, an_attempt
from tests.tracking.test_record import a_receipt, take


def bounced(database: Database, word: EventWord = EventWord.BOUNCED, **changes: Any) -> UUID:
    """A delivery that came back, with its attempt and its receipt."""
    with database.begin() as connection:
        delivery = a_delivery(connection, **changes)
        an_attempt(connection, delivery)
    take(database, a_receipt(delivery, a_fact(word)))
    return delivery


def sent_again(connection: Connection, delivery: UUID, **changes: Any) -> UUID:
    """What dispatch makes of RESEND: a new delivery, and the actions moved to it."""
    earlier = connection.execute(select(deliveries).where(deliveries.c.id == delivery)).one()
    told = {name: value for name, value in earlier._mapping.items() if name not in {"seq", "xact"}}
    row = told | {"id": new_id(), "again_of": delivery, "state": "due", "attempts": 0} | changes
    row |= {"provider": None, "provider_id": None, "handed_over_at": None}
    connection.execute(insert(deliveries).values(row))
    was_theirs = or_(deliveries.c.id == delivery, deliveries.c.moved_to == delivery)
    connection.execute(update(deliveries).where(was_theirs).values(moved_to=row["id"]))
    connection.execute(
        update(carriages).where(carriages.c.delivery_id == delivery).values(delivery_id=row["id"])
    )
    again: UUID = row["id"]
    return again
