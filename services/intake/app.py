"""Intake's root: wires the database, the catalogue and the keys to its edge.

gunicorn 'services.intake.app:create_app()'
"""

from collections.abc import Iterator

from flask import Blueprint, Flask

from services.intake.clients.last_use import LastUse
from services.intake.clients.limits import SharedStore
from services.intake.confirmation.confirm import Confirmations
from services.intake.counts.cover_sheets import pile_links
from services.intake.edges.actions import ActionsEdge
from services.intake.edges.batch import BatchEdge
from services.intake.edges.confirm import ConfirmPages
from services.intake.edges.counts import CountsEdge
from services.intake.edges.cover_sheets import CoverSheetsEdge
from services.intake.edges.imports import ImportsEdge
from services.intake.edges.moderation import ModerationEdge
from services.intake.edges.osdi import OutreachEdge, PetitionEdge, Recorder
from services.intake.edges.pile import PilePages
from services.intake.edges.previews import PreviewsEdge
from services.intake.edges.supporters import SupportersEdge
from services.intake.idempotency import Idempotency
from services.intake.imports.desk import Desk
from services.intake.imports.life import Imports
from services.intake.imports.maps import Maps
from services.intake.previews.previewing import make_preview_desk
from services.intake.settings import Settings
from services.intake.storing import Storing
from services.intake.take import Taker, make_taker
from shared.api_keys import ClientRegistry
from shared.catalogue_reader import CatalogueReader
from shared.clock import Clock, now
from shared.database import Database
from shared.http import docs
from shared.http.guard import Guard
from shared.http.health import HealthEdge, database_check
from shared.http.limits import Limits
from shared.http.operations import About, Api
from shared.logs import set_up_logs
from shared.privacy import Keyring

_ABOUT = """\
Writ delivers the letters and emails of human-rights campaigns, each one to a proof. Campaign tools
hand in their supporters' **actions** here, one by one or many at once; the tracking service tells
what became of them.

- Send your API key as `Authorization: Bearer writ_live_…`. A key that begins with `writ_test_` does
  everything but the last step: actions are planned and rendered, and never sent.
- Bodies are JSON in UTF-8, at most {max_body_bytes:,} bytes. Fields that you do not see here are
  refused, so that a slip of the pen is not lost in silence.
- Personal data goes one way: no answer gives back a supporter's name, country, email or words. The
  one exception is `GET /v1/held`, where those who decide on held actions read what they decide on.
- Times are RFC 3339 with their offset; answers are in UTC.
- A key may have limits: requests in ten seconds, and actions in a day (UTC). `RateLimit-Policy` and
  `RateLimit` tell them on every answer; above them it is 429, with `Retry-After`.
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
    limits = Limits(SharedStore(database), clock=clock)
    api = Api(
        Flask("writ-intake", static_folder=None),
        About("Writ: intake", "1.0.0", _ABOUT.format(max_body_bytes=settings.max_body_bytes)),
        Guard(ClientRegistry(database), limits, note=LastUse(database, clock), clock=clock),
        max_body_bytes=settings.max_body_bytes,
    )
    for edge in _edges(settings, database, clock, limits):
        api.add(edge)
    api.app.register_blueprint(_confirm_pages(settings, database, clock))
    api.app.register_blueprint(_pile_pages(settings, database, clock))
    api.add(HealthEdge(database_check(database)))
    docs.publish(api)
    return api.app


def _confirm_pages(settings: Settings, database: Database, clock: Clock) -> Blueprint:
    """For supporters, in HTML: no part of the API."""
    confirmations = Confirmations(settings.identity_key, settings.public_url, clock)
    return ConfirmPages(database, CatalogueReader(database), confirmations, clock).blueprint()


def _pile_pages(settings: Settings, database: Database, clock: Clock) -> Blueprint:
    """For organisers, in HTML."""
    links = pile_links(settings.identity_key, settings.public_url)
    return PilePages(database, CatalogueReader(database), links, clock).blueprint()


def _previews_and_counts(
    settings: Settings, database: Database, catalogue: CatalogueReader, taker: Taker
) -> Iterator[object]:
    """Beside actions: what would become of them, and numbers that are none."""
    desk, clock = make_preview_desk(settings), taker.clock
    yield PreviewsEdge(database=database, catalogue=catalogue, taker=taker, desk=desk, clock=clock)
    yield CountsEdge(database=database, catalogue=catalogue, clock=clock)
    yield CoverSheetsEdge(
        database=database,
        catalogue=catalogue,
        desk=desk,
        links=pile_links(settings.identity_key, settings.public_url),
        clock=clock,
    )


def _edges(
    settings: Settings, database: Database, clock: Clock, limits: Limits
) -> Iterator[object]:
    """In the order in which the guide tells them."""
    catalogue, status_url = CatalogueReader(database), settings.status_url
    idempotency = Idempotency(database, clock)
    storing = Storing(database=database, idempotency=idempotency, limits=limits)
    taker = make_taker(settings, catalogue, clock)
    yield ActionsEdge(
        database=database,
        catalogue=catalogue,
        storing=storing,
        taker=taker,
        clock=clock,
        status_url=status_url,
    )
    yield BatchEdge(storing=storing, taker=taker)
    yield from _previews_and_counts(settings, database, catalogue, taker)
    yield ImportsEdge(
        desk=Desk(database, taker, limits),
        imports=Imports(database, clock),
        maps=Maps(database, clock),
        max_upload_bytes=settings.import_max_bytes,
    )
    yield SupportersEdge(database=database, clock=clock)
    yield ModerationEdge(database=database, clock=clock)
    recorder = Recorder(
        database=database,
        catalogue=catalogue,
        storing=storing,
        taker=taker,
        clock=clock,
        public_url=settings.public_url,
        status_url=status_url,
    )
    yield OutreachEdge(recorder)
    yield PetitionEdge(recorder)
