"""The root of dispatch: chooses real parts from settings, and runs the relay or the workers."""

import os

import dramatiq

from services.dispatch.actors import declare
from services.dispatch.admission import Admission
from services.dispatch.deliver import Desk
from services.dispatch.documents import Documents
from services.dispatch.hand_over import Provider
from services.dispatch.mirror import Mirror
from services.dispatch.prepare import Preparer
from services.dispatch.providers.contract import EmailProvider, SuppressingProvider
from services.dispatch.providers.mail.line import Security
from services.dispatch.providers.ses import Ses, connect_ses
from services.dispatch.providers.smtp import Smtp
from services.dispatch.providers.smtp import make_relay as make_mail_relay
from services.dispatch.relay import Relay, WayOut
from services.dispatch.rendering.letter import LetterPress
from services.dispatch.routing import make_route
from services.dispatch.settings import Settings, SmtpSettings
from services.dispatch.vendor_settings.registry import name_of
from services.dispatch.vendors import capability_of, layout_for, open_vendor, taking_back
from shared.catalogue import Channel
from shared.catalogue_reader import CatalogueReader
from shared.clock import Clock, now
from shared.database import Database
from shared.queues import EMAILS, LETTERS


def make_relay(
    settings: Settings, database: Database, broker: dramatiq.Broker, *, clock: Clock = now
) -> Relay:
    by_email = Smtp.name if settings.smtp else Ses.name
    ways: dict[str, WayOut] = {Channel.EMAIL: WayOut(EMAILS, by_email)}
    if settings.vendor:
        ways[Channel.LETTER] = WayOut(
            LETTERS, name_of(settings.vendor), taking_back(settings, clock)
        )
    return Relay(
        settings,
        database,
        broker,
        catalogue=CatalogueReader(database).current,
        ways=ways,
        documents=Documents(settings.common.data_dir),
        clock=clock,
        mirror=_mirror(settings, database),
    )


def make_desk(settings: Settings, database: Database, *, clock: Clock = now) -> Desk:
    # Typst would start a thread for each core in every process: here a worker thread is the unit.
    os.environ.setdefault("RAYON_NUM_THREADS", "1")
    documents = Documents(settings.common.data_dir)
    press = LetterPress(settings.common.data_dir / "press")
    catalogue = CatalogueReader(database).current
    vendor = capability_of(settings.vendor)
    return Desk(
        database=database,
        preparer=Preparer(
            catalogue,
            press,
            vendor_of=lambda _: vendor,
            layout=layout_for(settings.vendor),
        ),
        documents=documents,
        route=make_route(_providers(settings, clock)),
        admission=Admission(
            catalogue=catalogue,
            clock=clock,
            paced=settings.pace,
            domain_per_hour=settings.domain_per_hour,
        ),
        clock=clock,
        chunk=settings.chunk,
        claim_ttl_s=settings.claim_ttl_s,
    )


def employ(settings: Settings, database: Database, broker: dramatiq.Broker) -> None:
    """Declares the actors on `broker`; whoever runs a Dramatiq worker on it delivers."""
    declare(broker, make_desk(settings, database))


def _mirror(settings: Settings, database: Database) -> Mirror | None:
    email = _emails(settings)
    return Mirror(database, email) if isinstance(email, SuppressingProvider) else None


def _emails(settings: Settings) -> EmailProvider:
    return _smtp(settings, settings.smtp) if settings.smtp else _ses(settings)


def _providers(settings: Settings, clock: Clock) -> dict[str, Provider]:
    providers: dict[str, Provider] = {Channel.EMAIL: _emails(settings)}
    if settings.vendor:
        providers[Channel.LETTER] = open_vendor(settings.vendor, settings, clock)
    return providers


def _ses(settings: Settings) -> EmailProvider:
    client = connect_ses(
        region=settings.ses_region,
        endpoint_url=settings.ses_endpoint_url or None,
        connect_timeout_s=settings.connect_timeout_s,
        read_timeout_s=settings.read_timeout_s,
        connections=settings.threads,
    )
    return Ses(client, settings.ses_configuration_set, settings.ses_tenant)


def _smtp(settings: Settings, smtp: SmtpSettings) -> EmailProvider:
    relay = make_mail_relay(
        host=smtp.host,
        port=smtp.port,
        security=Security(smtp.security),
        user=smtp.user,
        password=smtp.password,
        bounce_address=smtp.bounce_address,
    )
    return Smtp(
        relay,
        bounce_address=smtp.bounce_address,
        connect_timeout_s=settings.connect_timeout_s,
        read_timeout_s=settings.read_timeout_s,
    )
