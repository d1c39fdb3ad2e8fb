"""Actions, one by one: hand one in, look at it, list them; and the cases that are open."""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, RowMapping, select, tuple_

from services.intake.accept import FAULT_CODES, accept
from services.intake.idempotency import KINDS, Once, Result, read_key
from services.intake.models import (
    AcceptedAction,
    ActionPath,
    ActionsQuery,
    ActionView,
    Cases,
    CaseView,
    NewAction,
    PostHeaders,
    RecipientView,
    TextsView,
)
from services.intake.offer import languages, recipients_of, why_closed
from services.intake.storing import Storing
from services.intake.take import Taker
from services.intake.told import links, own_firsts, status, tell
from shared.api_keys import Client, Scope
from shared.catalogue import Case, Catalogue, Kind
from shared.catalogue_reader import CatalogueReader
from shared.clock import Clock
from shared.database import Database
from shared.http.limits import DAILY_CAP
from shared.http.operations import Answer, op
from shared.http.paging import Page, read_cursor, write_cursor
from shared.http.problems import NOT_FOUND, Problem
from shared.tables.columns import settled_before
from shared.tables.intake import actions

_SHOWN = (
    actions.c.xact,
    actions.c.seq,
    actions.c.id,
    actions.c.mode,
    actions.c.campaign,
    actions.c.case,
    actions.c.kind,
    actions.c.channel,
    actions.c.language,
    actions.c.standing,
    actions.c.held_for,
    actions.c.duplicate_of,
    actions.c.supporter_ref,
    actions.c.recipients,
    actions.c.consent,
    actions.c.source,
    actions.c.reference,
    actions.c.occurred_at,
    actions.c.accepted_at,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionsEdge:
    database: Database
    catalogue: CatalogueReader
    storing: Storing
    taker: Taker
    clock: Clock
    status_url: str = ""  # in front of links to the tracking service

    @op(
        "POST",
        "/v1/actions",
        scope=Scope.SUBMIT,
        status=202,
        problems=(*KINDS, DAILY_CAP),
        faults=FAULT_CODES,
    )
    def post_action(
        self, body: NewAction, headers: PostHeaders, client: Client
    ) -> Answer[AcceptedAction]:
        """Hand in an action.

        When the answer is 202, the action is stored for good: it will be delivered, or counted, or
        somebody will know why not; `status` says what it waits for. On any error nothing is
        stored. Several at once: `POST /v1/actions/batch`.

        Send an `Idempotency-Key` and repeat the request when the answer does not reach you: the
        same key and body get the first answer again, with the header `Idempotent-Replayed: true`,
        and the action is taken once. Keys are your own, and are remembered for 7 days.
        """

        # Before the transaction: a thread that holds a connection must not wait for another.
        catalogue = self.catalogue.current()

        def work(connection: Connection) -> Result:
            action = accept(
                body,
                client,
                catalogue=catalogue,
                identity_key=self.taker.identity_key,
                at=self.clock(),
            )
            taken = self.taker.take(connection, [action], capped=client.daily_actions > 0)
            [told] = tell(connection, taken, status_url=self.status_url)
            return Result(status=202, answer=told.model_dump(mode="json"))

        once = self._once(read_key(headers.idempotency_key), body, client)
        return _answer(self.storing.run(work, client, once=once, number=1))

    @op("GET", "/v1/actions/{id}", scope=Scope.READ)
    def get_action(self, path: ActionPath, client: Client) -> ActionView:
        """Look at an action.

        Only your own. The supporter's name, country, email and words are never given back.
        """
        wanted = select(*_SHOWN).where(actions.c.id == path.id, actions.c.client_id == client.id)
        with self.database.read() as connection:
            rows = connection.execute(wanted).mappings().all()
            views = self._views(connection, client, rows)
        if not views:
            raise Problem(NOT_FOUND, "There is no action of yours with this id")
        return views[0]

    @op("GET", "/v1/actions", scope=Scope.READ)
    def list_actions(self, query: ActionsQuery, client: Client) -> Page[ActionView]:
        """List your actions.

        The newest last. Follow `next` until it is null. Keep the last one you were given: asked
        again later, it shows what came since, and nothing is missed.
        """
        # Rows above settled_before() may still get neighbours below them: wait, and miss none.
        wanted = select(*_SHOWN).where(
            actions.c.client_id == client.id, actions.c.xact < settled_before()
        )
        if after := read_cursor(query.cursor, 2):
            wanted = wanted.where(tuple_(actions.c.xact, actions.c.seq) > tuple_(*after))
        if query.case is not None:
            wanted = wanted.where(actions.c.case == query.case)
        if query.reference is not None:
            wanted = wanted.where(actions.c.reference == query.reference)
        wanted = wanted.order_by(actions.c.xact, actions.c.seq).limit(query.limit)
        with self.database.read() as connection:
            rows = connection.execute(wanted).mappings().all()
            views = self._views(connection, client, rows)
        return Page(
            data=views,
            next=write_cursor(rows[-1]["xact"], rows[-1]["seq"]) if rows else None,
        )

    @op("GET", "/v1/cases", scope=(Scope.CATALOGUE, Scope.READ))
    def list_cases(self, client: Client) -> Cases:
        """List the cases that are open, of the campaigns that the key may work for.

        With what an action may ask for: channels, kinds, languages and recipients.
        """
        catalogue, today = self.catalogue.current(), self.clock().date()
        return Cases(
            data=[
                _case(catalogue, case)
                for case in catalogue.cases.values()
                if client.may(case.campaign)
                and why_closed(case, catalogue.campaigns[case.campaign], today) is None
            ]
        )

    def _once(self, key: str | None, body: NewAction, client: Client) -> Once | None:
        if key is None:
            return None
        # What was sent, in one form: neither the order of fields nor spaces make another body.
        # Keyed, so that the stored hash does not help to guess who wrote.
        sent = body.model_dump_json(exclude_unset=True).encode()
        body_hash = hmac.digest(self.taker.identity_key, sent, "sha256")
        return Once(client_id=client.id, key=key, body_hash=body_hash)

    def _views(
        self, connection: Connection, client: Client, rows: Sequence[RowMapping]
    ) -> list[ActionView]:
        own = own_firsts(connection, client.id, (row["duplicate_of"] for row in rows))
        return [
            ActionView.model_validate(
                {
                    **row,
                    **status(row["standing"], row["duplicate_of"], own, held_for=row["held_for"]),
                    "links": links(row["id"], self.status_url),
                }
            )
            for row in rows
        ]


def _answer(result: Result) -> Answer[AcceptedAction]:
    accepted = AcceptedAction.model_validate(result.answer)
    headers = {"Location": accepted.links.self}
    if result.replayed:
        headers["Idempotent-Replayed"] = "true"
    return Answer(body=accepted, status=result.status, headers=headers)


def _case(catalogue: Catalogue, case: Case) -> CaseView:
    return CaseView(
        slug=case.slug,
        campaign=case.campaign,
        name=case.name,
        country=case.country,
        summary=case.summary,
        ask=case.ask,
        channels=list(case.policy.channels),
        kinds=[_texts(catalogue, case, kind) for kind in case.policy.kinds],
    )


def _texts(catalogue: Catalogue, case: Case, kind: Kind) -> TextsView:
    offices = {
        slug: catalogue.recipients[slug].office if kind is not Kind.SOLIDARITY else None
        for slug in recipients_of(case, kind)
    }
    return TextsView(
        kind=kind,
        languages=languages(catalogue, case, kind),
        recipients=[RecipientView(slug=slug, office=office) for slug, office in offices.items()],
    )
