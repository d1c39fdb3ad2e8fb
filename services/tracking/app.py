"""The root of tracking's web service: wires receipts, the status API and the console.

In: settings.  Out: a Flask app.  For gunicorn: `services.tracking.app:create_app()`.
"""

from pathlib import Path

import urllib3
from flask import Flask

from services.tracking.api import ReceiptsEdge, StatusEdge
from services.tracking.console.pages import add_console
from services.tracking.inbound.keep import Mailroom
from services.tracking.queries.remembered import Remembered
from services.tracking.receipts import lob, pingen, smtp
from services.tracking.receipts.certificates import (
    AmazonCertificates,
    FileCertificate,
    fetch_with,
)
from services.tracking.receipts.confirm import confirm_at_amazon
from services.tracking.receipts.contract import Trust
from services.tracking.receipts.registry import BY_NAME
from services.tracking.replies_api import RepliesEdge
from services.tracking.resend_api import ResendEdge
from services.tracking.ses_mail import MailTaker
from services.tracking.settings import Settings
from services.tracking.together import Together
from shared.api_keys import ClientRegistry
from shared.catalogue_reader import CatalogueReader
from shared.clock import Clock, now
from shared.database import Database
from shared.http import docs
from shared.http.guard import Guard
from shared.http.health import HealthEdge, database_check
from shared.http.limits import Limit, Limits
from shared.http.operations import About, Api
from shared.http.shares import OwnStore
from shared.logs import set_up_logs
from shared.privacy import Keyring

MAX_BODY_BYTES = 512 * 1024  # an SNS message is at most 256 KiB, and its envelope escapes it

ABOUT = About(
    title="Writ: tracking",
    version="1.0.0",
    description=(
        "What became of an action: its deliveries, their states, every step with its proof. "
        "People watch the same on the console, under `/console/`."
    ),
)


def create_app(
    settings: Settings | None = None, database: Database | None = None, clock: Clock = now
) -> Flask:
    """Raises SettingError."""
    if settings is None:
        settings = Settings.from_env()
        set_up_logs(settings.common.logs, service="tracking")
    settings.check()
    database = database or Database(
        settings.common.database_url, Keyring.parse(settings.common.privacy_keys)
    )
    catalogue, remembered = CatalogueReader(database), Remembered()
    trust = _trust(settings, clock)
    app = Flask("services.tracking", static_folder=None)
    # The table of uses is intake's to write: here each process counts its own requests.
    limits = Limits(OwnStore(), kept=[Limit.REQUESTS], clock=clock)
    guard = Guard(ClientRegistry(database), limits, clock=clock)
    api = Api(app, ABOUT, guard, max_body_bytes=MAX_BODY_BYTES)
    api.add(StatusEdge(database=database, catalogue=catalogue, remembered=remembered, clock=clock))
    api.add(RepliesEdge(database=database, catalogue=catalogue, clock=clock))
    api.add(ResendEdge(database=database, clock=clock))
    api.add(HealthEdge(database_check(database)))
    taker = MailTaker(
        database=database,
        catalogue=catalogue,
        clock=clock,
        mailroom=Mailroom(database=database, read_report=smtp.read, clock=clock),
    )
    api.add(
        ReceiptsEdge(
            take=Together(taker.take).take,
            doors={name: door(trust) for name, door in BY_NAME.items()},
        )
    )
    docs.publish(api)
    add_console(
        app,
        settings=settings,
        database=database,
        catalogue=catalogue,
        remembered=remembered,
        clock=clock,
    )
    return app


def _trust(settings: Settings, clock: Clock) -> Trust:
    sandbox: Path | None = settings.sns_certificate_file
    return Trust(
        topics=frozenset(settings.sns_topic_arns),
        key_at=FileCertificate(sandbox, clock)
        if sandbox
        else AmazonCertificates(fetch_with(urllib3.PoolManager()), clock),
        confirm=None if sandbox else confirm_at_amazon(),
        print_secret=settings.print_webhook_secret,
        print_secrets={
            lob.SOURCE: settings.lob_webhook_secret,
            pingen.SOURCE: settings.pingen_webhook_secret,
        },
        clock=clock,
    )
