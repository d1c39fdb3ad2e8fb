"""Tracking's edge: receipts come in, the status goes out.  No rule lives here."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from flask import request
from sqlalchemy import Connection, select

from services.tracking.models import (
    AttemptView,
    CampaignPath,
    CampaignTally,
    CaseTallyView,
    DeliveriesQuery,
    DeliveryDetail,
    DeliveryView,
    IdPath,
    MomentView,
    ProviderPath,
    ReceiptTaken,
    RecipientView,
    ReportedView,
    Timeline,
)
from services.tracking.queries import timeline
from services.tracking.queries.deliveries import Search, Shown, find, get
from services.tracking.queries.remembered import Remembered
from services.tracking.queries.reported import Reported, reported
from services.tracking.queries.tally import CaseTally, tally
from services.tracking.receipts.contract import (
    CertificateAway,
    Door,
    NotConfirmed,
    ReceiptFault,
    Unreadable,
    Untrusted,
)
from services.tracking.together import Take
from shared.again import RESTS_OR_DID
from shared.api_keys import Client, Scope
from shared.catalogue import Catalogue, Channel, Kind
from shared.catalogue_reader import CatalogueReader
from shared.clock import Clock
from shared.database import Database
from shared.http.operations import op
from shared.http.paging import Page, read_cursor, write_cursor
from shared.http.problems import NOT_FOUND, Problem, ProblemKind
from shared.tables.dispatch import attempts, carriages, deliveries
from shared.tables.intake import actions

UNREADABLE = ProblemKind(400, "receipt_unreadable", "This is not what the provider sends")
UNTRUSTED = ProblemKind(403, "receipt_untrusted", "The receipt is not signed by whom we trust")
CERTIFICATE_AWAY = ProblemKind(503, "certificate_away", "The certificate cannot be had; send again")
NOT_CONFIRMED = ProblemKind(503, "not_confirmed", "The topic could not be confirmed; ask again")
_KINDS: Mapping[type[ReceiptFault], ProblemKind] = {
    Unreadable: UNREADABLE,
    Untrusted: UNTRUSTED,
    CertificateAway: CERTIFICATE_AWAY,
    NotConfirmed: NOT_CONFIRMED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptsEdge:
    """Where providers send their receipts."""

    take: Take  # all at once, or none
    doors: Mapping[str, Door]

    @op(
        "POST",
        "/v1/receipts/{provider}",
        problems=[UNREADABLE, UNTRUSTED, CERTIFICATE_AWAY, NOT_CONFIRMED],
    )
    def post_receipt(self, path: ProviderPath, body: bytes) -> ReceiptTaken:
        """Take a provider's receipt.

        Signed by the provider, in the provider's own form. The same receipt again changes nothing
        and is answered alike. What we do not understand is kept and answered alike, too.
        """
        door = self.doors.get(path.provider)
        if door is None:
            raise Problem(NOT_FOUND)
        try:
            receipt = door(dict(request.headers), body)
        except ReceiptFault as fault:
            raise Problem(_KINDS[type(fault)], str(fault)) from fault
        if receipt is None:
            return ReceiptTaken(recorded=None)
        [recorded] = self.take([receipt])
        return ReceiptTaken(recorded=recorded)


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusEdge:
    """Where campaign tools ask what became of their actions."""

    database: Database
    catalogue: CatalogueReader
    remembered: Remembered
    clock: Clock

    @op("GET", "/v1/deliveries/{id}", scope=Scope.READ)
    def get_delivery(self, path: IdPath, client: Client) -> DeliveryDetail:
        """Look at one delivery: where it stands, and how often it was tried.

        You see a delivery when it carries an action of yours; any other is not found.
        """
        with self.database.read() as connection:
            shown = get(connection, path.id, client_id=client.id)
            if shown is None:
                raise Problem(NOT_FOUND)
            return DeliveryDetail(
                **_view(shown, self.catalogue.current()),
                tried=_attempts(connection, shown.id),
                actions=_actions(connection, shown.id, client.id),
            )

    @op("GET", "/v1/deliveries", scope=Scope.READ)
    def list_deliveries(self, query: DeliveriesQuery, client: Client) -> Page[DeliveryView]:
        """List the deliveries that carry your actions, in the order in which they were planned.

        Keep the last `next` you got and ask again later: nothing is stepped over.
        """
        search = Search(
            client_id=client.id, case=query.case, channel=query.channel, state=query.state
        )
        after = read_cursor(query.cursor, 2)
        catalogue = self.catalogue.current()
        with self.database.read() as connection:
            found = find(connection, search, limit=query.limit, after=after)
        last = found[-1] if found else None
        following = write_cursor(last.xact, last.seq) if last else None
        return Page(data=[DeliveryView(**_view(one, catalogue)) for one in found], next=following)

    @op("GET", "/v1/actions/{id}/timeline", scope=Scope.READ)
    def get_timeline(self, path: IdPath, client: Client) -> Timeline:
        """Follow one of your actions, from its acceptance to the last receipt."""
        with self.database.read() as connection:
            own = connection.scalar(
                select(actions.c.id).where(
                    actions.c.id == path.id, actions.c.client_id == client.id
                )
            )
            if own is None:
                raise Problem(NOT_FOUND)
            moments = timeline.of_action(connection, path.id)
        return Timeline(
            action=path.id,
            moments=[
                MomentView(
                    at=one.at,
                    word=one.word,
                    says=one.says,
                    source=one.source,
                    delivery=one.delivery_id,
                )
                for one in moments
            ],
        )

    @op("GET", "/v1/campaigns/{slug}/tally", scope=Scope.READ)
    def get_tally(self, path: CampaignPath, client: Client) -> CampaignTally:
        """Count a campaign: for each case and channel the actions, and the deliveries by state.

        All clients' actions together; a test key counts what was sent in by test keys.
        """
        if not client.may(path.slug) or path.slug not in self.catalogue.current().campaigns:
            raise Problem(NOT_FOUND)
        as_of, found, claims = self.remembered.get(
            ("tally", path.slug, client.mode), lambda: self._count(path.slug, client.mode)
        )
        return CampaignTally(
            campaign=path.slug,
            mode=client.mode,
            as_of=as_of,
            cases=[
                CaseTallyView(
                    case=one.case,
                    kind=Kind(one.kind),
                    channel=Channel(one.channel),
                    actions=one.actions,
                    apart=dict(sorted(one.apart.items())),
                    deliveries=dict(sorted(one.deliveries.items())),
                )
                for one in found
            ],
            reported=[ReportedView.model_validate(one, from_attributes=True) for one in claims],
        )

    def _count(
        self, campaign: str, mode: str
    ) -> tuple[dt.datetime, list[CaseTally], list[Reported]]:
        now = self.clock()
        with self.database.read() as connection:
            found = tally(connection, mode=mode, since=now, campaign=campaign)
            return now, found, reported(connection, mode=mode, campaign=campaign)


def _view(shown: Shown, catalogue: Catalogue) -> dict[str, Any]:
    recipient = catalogue.recipients.get(shown.recipient)
    office = recipient.office if recipient and shown.kind != Kind.SOLIDARITY else None
    return asdict(shown) | {
        "recipient": RecipientView(slug=shown.recipient, office=office),
        "due_at": shown.next_attempt_at,
    }


def _attempts(connection: Connection, delivery_id: UUID) -> list[AttemptView]:
    names = ("number", "state", "provider", "started_at", "ended_at")
    rows = connection.execute(
        select(*(attempts.c[name] for name in names))
        .where(attempts.c.delivery_id == delivery_id)
        .order_by(attempts.c.number)
    )
    return [AttemptView(**row._mapping) for row in rows]


def _actions(connection: Connection, delivery_id: UUID, client_id: UUID) -> list[UUID]:
    return list(
        connection.scalars(
            select(actions.c.id)
            .join(carriages, carriages.c.action_id == actions.c.id)
            .join(deliveries, RESTS_OR_DID)
            .where(deliveries.c.id == delivery_id, actions.c.client_id == client_id)
            .order_by(actions.c.id)
            .limit(100)
        )
    )
