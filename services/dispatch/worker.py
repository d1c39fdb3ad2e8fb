"""The root of dispatch: chooses real parts from settings, and runs the relay or the workers."""

import os

import dramatiq

from services.dispatch.actors import declare
from services.dispatch.deliver import Desk, Provider
from services.dispatch.documents import Documents
from services.dispatch.prepare import Preparer
from services.dispatch.providers.print_vendor import PrintVendor
from services.dispatch.providers.ses import Ses, connect_ses
from services.dispatch.relay import Relay
from services.dispatch.rendering.letter import LetterPress
from services.dispatch.routing import make_route
from services.dispatch.settings import Settings
from shared.catalogue import Channel
from shared.catalogue_reader import CatalogueReader
from shared.clock import Clock, now
from shared.database import Database
from shared.queues import EMAILS, LETTERS, Wake


def make_relay(
    settings: Settings, database: Database, broker: dramatiq.Broker, *, clock: Clock = now
) -> Relay:
    queues: dict[str, Wake] = {Channel.EMAIL: EMAILS}
    if settings.print_url:
        queues[Channel.LETTER] = LETTERS
    return Relay(
        settings,
        database,
        broker,
        catalogue=CatalogueReader(database).current,
        queues=queues,
        documents=Documents(settings.common.data_dir),
        clock=clock,
    )


def make_desk(settings: Settings, database: Database, *, clock: Clock = now) -> Desk:
    # Typst would start a thread for each core in every process: here a worker thread is the unit.
    os.environ.setdefault("RAYON_NUM_THREADS", "1")
    documents = Documents(settings.common.data_dir)
    press = LetterPress(settings.common.data_dir / "press")
    return Desk(
        database=database,
        preparer=Preparer(CatalogueReader(database).current, press),
        documents=documents,
        route=make_route(_providers(settings)),
        clock=clock,
        chunk=settings.chunk,
        claim_ttl_s=settings.claim_ttl_s,
    )


def employ(settings: Settings, database: Database, broker: dramatiq.Broker) -> None:
    """Declares the actors on `broker`; whoever runs a Dramatiq worker on it delivers."""
    declare(broker, make_desk(settings, database))


def _providers(settings: Settings) -> dict[str, Provider]:
    client = connect_ses(
        region=settings.ses_region,
        endpoint_url=settings.ses_endpoint_url or None,
        connect_timeout_s=settings.connect_timeout_s,
        read_timeout_s=settings.read_timeout_s,
        connections=settings.threads,
    )
    providers: dict[str, Provider] = {Channel.EMAIL: Ses(client, settings.ses_configuration_set)}
    if settings.print_url:
        providers[Channel.LETTER] = PrintVendor(
            settings.print_url,
            settings.print_api_key,
            connect_timeout_s=settings.connect_timeout_s,
            read_timeout_s=settings.read_timeout_s,
            connections=settings.threads,
        )
    return providers
