"""The root of intake's steward: chooses its chores and their rhythm."""

from collections.abc import Iterator
from functools import partial

from services.intake import idempotency
from services.intake.clients.limits import SharedStore, forget
from services.intake.confirmation.confirm import Confirmations
from services.intake.confirmation.unconfirmed import Reminders, expire
from services.intake.imports.desk import Desk
from services.intake.imports.work import Importer
from services.intake.moderation import word_prints
from services.intake.retention import Retention
from services.intake.settings import Settings
from services.intake.steward import Chore, Steward
from services.intake.take import make_taker
from shared.catalogue_reader import CatalogueReader
from shared.clock import Clock, now
from shared.database import Database
from shared.http.limits import Limit, Limits


def make_steward(settings: Settings, database: Database, *, clock: Clock = now) -> Steward:
    return Steward(database, clock, list(_chores(settings, database, clock)))


def _chores(settings: Settings, database: Database, clock: Clock) -> Iterator[Chore]:
    confirmations = Confirmations(settings.identity_key, settings.public_url, clock)
    yield Chore("remind", 60, Reminders(database, confirmations).remind)
    yield Chore("expire", 60, partial(expire, database))
    yield Chore("forget limits", 3600, partial(forget, database))
    yield Chore("forget answers", 3600, partial(idempotency.forget, database))
    yield Chore("forget prints", 3600, partial(word_prints.forget, database))
    importer = make_importer(settings, database, clock)
    yield Chore("imports", 1, importer.work)
    yield Chore("forget imports", 600, importer.give_up)
    yield Chore("retention", 6 * 3600, Retention(database).forget)


def make_importer(settings: Settings, database: Database, clock: Clock = now) -> Importer:
    """What works on files; also for the command that stands and watches."""
    taker = make_taker(settings, CatalogueReader(database), clock)
    limits = Limits(SharedStore(database), kept=[Limit.ACTIONS], clock=clock)
    return Importer(Desk(database, taker, limits))
