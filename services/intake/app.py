"""Intake's root: wires the database, the catalogue and the keys to its edge.

gunicorn 'services.intake.app:create_app()'
"""

from flask import Flask

from services.intake.api import IntakeEdge
from services.intake.idempotency import Idempotency
from services.intake.settings import Settings
from shared.api_keys import ClientRegistry
from shared.catalogue_reader import CatalogueReader
from shared.clock import Clock, now
from shared.database import Database
from shared.http import docs
from shared.http.guard import Guard
from shared.http.health import HealthEdge, database_check
from shared.http.operations import About, Api
from shared.logs import set_up_logs
from shared.privacy import Keyring

_ABOUT = """\
Writ delivers the letters and emails of human-rights campaigns, each one to a proof. Campaign tools
hand in their supporters' **actions** here, one request each; the tracking service tells what became
of them.

- Send your API key as `Authorization: Bearer writ_live_…`. A key that begins with `writ_test_` does
  everything but the last step: actions are planned and rendered, and never sent.
- Bodies are JSON in UTF-8, at most {max_body_bytes:,} bytes. Fields that you do not see here are
  refused, so that a slip of the pen is not lost in silence.
- Personal data goes one way: no answer gives back a supporter's name, country, email or words.
- Times are RFC 3339 with their offset; answers are in UTC.
"""


def create_app(
    settings: Settings | None = None, database: Database | None = None, clock: Clock = now
) -> Flask:
    """The WSGI application; without settings, from the environment.  Raises SettingError."""
    if settings is None:
        settings = Settings.from_env()
        set_up_logs(settings.common.logs, service="intake")
    common = settings.common
    database = database or Database(common.database_url, Keyring.parse(common.privacy_keys))
    api = Api(
        Flask("writ-intake", static_folder=None),
        About("Writ: intake", "1.0.0", _ABOUT.format(max_body_bytes=settings.max_body_bytes)),
        Guard(ClientRegistry(database)),
        max_body_bytes=settings.max_body_bytes,
    )
    api.add(
        IntakeEdge(
            database=database,
            catalogue=CatalogueReader(database),
            idempotency=Idempotency(database, clock),
            identity_key=settings.identity_key,
            status_url=settings.status_url,
            clock=clock,
        )
    )
    api.add(HealthEdge(database_check(database)))
    docs.publish(api)
    return api.app
