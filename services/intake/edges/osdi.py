"""OSDI's helpers: tools that speak OSDI hand in outreaches and signatures without a new client.

Each becomes an action like any other.  What a tool names its outreach by (`identifiers`) makes a
repeat safe.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from pydantic import BaseModel, Field
from sqlalchemy import Connection, RowMapping, select

from services.intake import osdi
from services.intake.accept import FAULT_CODES, accept
from services.intake.edges.osdi_errors import speaking
from services.intake.idempotency import IN_FLIGHT, Result
from services.intake.models import NewAction
from services.intake.offer import why_closed
from services.intake.osdi_documents import (
    CAMPAIGNS,
    ENTRY,
    PETITIONS,
    AdvocacyCampaign,
    AdvocacyCampaigns,
    Library,
    OsdiEntry,
    Outreach,
    Petition,
    Petitions,
    Signature,
)
from services.intake.storing import Storing
from services.intake.take import Taker
from services.intake.told import links, own_firsts, status
from shared.api_keys import Client, Scope
from shared.catalogue import Case, Kind, Slug
from shared.catalogue_reader import CatalogueReader
from shared.clock import Clock
from shared.database import Database
from shared.faults import Refused
from shared.http.dialects import Dialect
from shared.http.limits import DAILY_CAP
from shared.http.operations import op
from shared.http.problems import NOT_FOUND, Problem
from shared.tables.intake import actions

_READERS = (Scope.SUBMIT, Scope.CATALOGUE, Scope.READ)


class CasePath(BaseModel):
    case: Slug = Field(description="The case's slug", examples=["zhang-zhan"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorder:
    """What both helpers share."""

    database: Database
    catalogue: CatalogueReader
    storing: Storing
    taker: Taker
    clock: Clock
    public_url: str
    status_url: str

    def library(self) -> Library:
        return Library(self.public_url, self.catalogue.current())

    def open_cases(self, client: Client, kinds: set[Kind]) -> list[Case]:
        catalogue, today = self.catalogue.current(), self.clock().date()
        return [
            case
            for case in catalogue.cases.values()
            if kinds.intersection(case.policy.kinds)
            and client.may(case.campaign)
            and why_closed(case, catalogue.campaigns[case.campaign], today) is None
        ]

    def open_case(self, slug: str, client: Client, kinds: set[Kind]) -> Case:
        for case in self.open_cases(client, kinds):
            if case.slug == slug:
                return case
        raise Problem(NOT_FOUND, "No case of this name is open")

    def case(self, slug: str) -> Case:
        case = self.catalogue.current().cases.get(slug)
        if case is None:
            raise Problem(NOT_FOUND, "No case has this slug")
        return case

    def record(self, asked: NewAction, client: Client, *, words: str) -> Mapping[str, Any]:
        """The stored action: this one, or the one that was sent with the same identifier before.

        `words` points to the supporter's words, for faults.
        """
        with self.database.read() as connection:
            first = _first(connection, asked, client)
        if first:
            return dict(first)
        catalogue = self.catalogue.current()
        try:
            key, at = self.taker.identity_key, self.clock()
            action = accept(asked, client, catalogue=catalogue, identity_key=key, at=at)
        except Refused as refused:
            raise Refused(osdi.in_place(refused.faults, words=words)) from None

        def work(connection: Connection) -> Result:
            name = f"osdi {client.id} {asked.reference or action.id}"
            if not self.database.hold(connection, name):
                raise Problem(IN_FLIGHT, headers={"Retry-After": "1"})
            if first := _first(connection, asked, client):
                return Result(status=200, answer={"id": first["id"]}, replayed=True)
            self.taker.take(connection, [action], capped=client.daily_actions > 0)
            return Result(status=200, answer={"id": action.id})

        stored = self.storing.run(work, client, once=None, number=1).answer["id"]
        with self.database.read() as connection:
            found = connection.execute(select(*_SHOWN).where(actions.c.id == stored))
            return dict(found.mappings().one())

    def told(self, row: Mapping[str, Any], client: Client) -> dict[str, Any]:
        with self.database.read() as connection:
            own = own_firsts(connection, client.id, [row["duplicate_of"]])
        return status(row["standing"], row["duplicate_of"], own, held_for=row["held_for"])

    def timeline(self, row: Mapping[str, Any]) -> str:
        return links(row["id"], self.status_url).timeline


_SHOWN = (
    actions.c.id,
    actions.c.case,
    actions.c.channel,
    actions.c.standing,
    actions.c.held_for,
    actions.c.duplicate_of,
    actions.c.recipients,
    actions.c.supporter_ref,
    actions.c.reference,
    actions.c.occurred_at,
    actions.c.accepted_at,
)


def _first(connection: Connection, asked: NewAction, client: Client) -> RowMapping | None:
    """The client's action of the same identifier, for the same case and of the same kind."""
    if asked.reference is None:
        return None
    wanted = (
        select(*_SHOWN)
        .where(actions.c.reference == asked.reference, actions.c.client_id == client.id)
        .where(actions.c.case == asked.case, actions.c.kind == asked.kind)
        .order_by(actions.c.xact, actions.c.seq)
        .limit(1)
    )
    return connection.execute(wanted).mappings().one_or_none()


@dataclass(frozen=True, slots=True)
class OutreachEdge:
    recorder: Recorder

    dialect: ClassVar[Dialect] = speaking("osdi:outreach")
    kinds: ClassVar[set[Kind]] = {Kind.APPEAL, Kind.SOLIDARITY}

    @op("GET", ENTRY, scope=_READERS)
    def osdi_entry(self) -> OsdiEntry:
        """Enter by OSDI.

        For tools that speak [OSDI](https://opensupporter.github.io/osdi-docs/): follow the links.
        The key may stand in the header `OSDI-API-Token`. Of OSDI, Writ has the helpers that record
        outreaches and signatures, and what they are found by. Fields that Writ does not know are
        passed over; errors are OSDI's, with Writ's codes.
        """
        return self.recorder.library().entry()

    @op("GET", CAMPAIGNS, scope=_READERS)
    def advocacy_campaigns(self, client: Client) -> AdvocacyCampaigns:
        """List the advocacy campaigns (OSDI): the cases that may be written for."""
        return self.recorder.library().campaigns(self.recorder.open_cases(client, self.kinds))

    @op("GET", f"{CAMPAIGNS}/{{case}}", scope=_READERS)
    def advocacy_campaign(self, path: CasePath, client: Client) -> AdvocacyCampaign:
        """Look at an advocacy campaign (OSDI)."""
        case = self.recorder.open_case(path.case, client, self.kinds)
        return self.recorder.library().campaign(case)

    @op(
        "POST",
        f"{CAMPAIGNS}/{{case}}/record_outreach_helper",
        scope=Scope.SUBMIT,
        problems=(IN_FLIGHT, DAILY_CAP),
        faults=FAULT_CODES | osdi.FAULT_CODES,
    )
    def record_outreach_helper(
        self, path: CasePath, body: osdi.RecordOutreach, client: Client
    ) -> Outreach:
        """Record an outreach (OSDI).

        Hand in what Writ is to deliver, and not what your tool has sent itself. It goes to those
        `targets` that are recipients of the case; an outreach without any is not counted, and is
        answered with `no_targets`: Action Network tells its webhooks of such when a supporter
        filled in only the first step of a form.

        The first of `identifiers` makes a repeat safe: sent again, it gets the first answer, for as
        long as the action is kept. Tags, lists and triggers are passed over.
        """
        case, catalogue = self.recorder.case(path.case), self.recorder.catalogue.current()
        asked = osdi.outreach(body, case, catalogue)
        row = self.recorder.record(asked, client, words="/message")
        told, timeline = self.recorder.told(row, client), self.recorder.timeline(row)
        return self.recorder.library().outreach(row, told, timeline)


@dataclass(frozen=True, slots=True)
class PetitionEdge:
    recorder: Recorder

    dialect: ClassVar[Dialect] = speaking("osdi:signature")
    kinds: ClassVar[set[Kind]] = {Kind.SIGNATURE}

    @op("GET", PETITIONS, scope=_READERS)
    def petitions(self, client: Client) -> Petitions:
        """List the petitions (OSDI): the cases that may be signed for."""
        return self.recorder.library().petitions(self.recorder.open_cases(client, self.kinds))

    @op("GET", f"{PETITIONS}/{{case}}", scope=_READERS)
    def petition(self, path: CasePath, client: Client) -> Petition:
        """Look at a petition (OSDI)."""
        case = self.recorder.open_case(path.case, client, self.kinds)
        return self.recorder.library().petition(case)

    @op(
        "POST",
        f"{PETITIONS}/{{case}}/record_signature_helper",
        scope=Scope.SUBMIT,
        problems=(IN_FLIGHT, DAILY_CAP),
        faults=FAULT_CODES,
    )
    def record_signature_helper(
        self, path: CasePath, body: osdi.RecordSignature, client: Client
    ) -> Signature:
        """Record a signature (OSDI).

        Under the case's petition. As with outreaches, the first of `identifiers` makes a repeat
        safe.
        """
        asked = osdi.signature(body, self.recorder.case(path.case))
        row = self.recorder.record(asked, client, words="/comments")
        told, timeline = self.recorder.told(row, client), self.recorder.timeline(row)
        return self.recorder.library().signature(row, told, timeline)
