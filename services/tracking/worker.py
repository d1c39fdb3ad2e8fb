"""The root of the listeners: the queue of receipts, read on a few threads.

In: settings.  Out: listeners, and a way to run them.
"""

import threading
from collections.abc import Sequence

from services.tracking.bucket import MailBucket, connect_s3
from services.tracking.inbound.keep import Mailroom
from services.tracking.listen import Listener
from services.tracking.queue import SqsQueue, connect_sqs
from services.tracking.queue_settings import QueueSettings
from services.tracking.receipts import ses, smtp
from services.tracking.receipts.confirm import confirm_at_amazon
from services.tracking.ses_mail import MailTaker
from shared.catalogue_reader import CatalogueReader
from shared.clock import Clock, now
from shared.database import Database


class ListenerFell(Exception):
    """A listener ended by an error: the process should be started anew."""


def make_listeners(
    settings: QueueSettings, database: Database, *, threads: int, clock: Clock = now
) -> list[Listener]:
    client = connect_sqs(
        region=settings.region,
        endpoint_url=settings.endpoint_url or None,
        access_key_id=settings.access_key_id,
        secret_access_key=settings.secret_access_key,
    )
    reader = ses.reader(
        frozenset(settings.sns_topic_arns),
        # A sandbox asks for no confirmation, and nothing of it may call Amazon.
        None if settings.endpoint_url else confirm_at_amazon(),
    )
    taker = MailTaker(
        database=database,
        catalogue=CatalogueReader(database),
        clock=clock,
        mailroom=Mailroom(database=database, read_report=smtp.read, clock=clock),
        store=_bucket(settings),
    )
    return [Listener(SqsQueue(client, settings.url), reader, taker) for _ in range(threads)]


def _bucket(settings: QueueSettings) -> MailBucket | None:
    if not settings.inbound_bucket:
        return None
    client = connect_s3(
        region=settings.region,
        access_key_id=settings.access_key_id,
        secret_access_key=settings.secret_access_key,
    )
    return MailBucket(client, settings.inbound_bucket)


def run_listeners(listeners: Sequence[Listener], stop: threading.Event) -> None:
    """Until `stop` is set and what is in hand is done.  Raises ListenerFell."""
    for number, one in enumerate(listeners):
        # Daemons: one that only waits for an answer of the queue must not hold up the end.
        threading.Thread(
            target=one.run, args=(stop,), name=f"receipts-{number}", daemon=True
        ).start()
    stop.wait()
    for one in listeners:
        one.finish()
    if any(one.fell for one in listeners):
        raise ListenerFell("a listener fell; the log says where")
