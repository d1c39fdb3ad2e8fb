from pathlib import Path

from dramatiq.worker import Worker
from sqlalchemy import select

from services.tracking.actors import declare
from shared.broker import make_broker
from shared.database import Database
from shared.queues import TEND, publish
from shared.tables.tracking import commands
from tests.tracking.builders import noon, some_settings
from tests.tracking.test_resolve import an_event, an_unknown


def test_a_wake_up_settles_what_can_be_settled(tmp_path: Path, small_database: Database) -> None:
    broker = make_broker("stub://")
    declare(broker, small_database, some_settings(tmp_path), clock=noon)
    with small_database.begin() as connection:
        an_event(connection, an_unknown(connection))
    worker = Worker(broker, worker_timeout=10, worker_threads=1)
    worker.start()

    publish(broker, TEND)
    broker.join(TEND.queue)
    worker.join()
    worker.stop()

    with small_database.read() as connection:
        verbs = connection.scalars(select(commands.c.verb)).all()
    assert verbs == ["resolve_unknown"]
