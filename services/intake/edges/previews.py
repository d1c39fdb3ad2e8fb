"""Previews: what each recipient would get, before anything is handed in."""

import base64
from collections.abc import Iterator
from dataclasses import dataclass

from flask import Response, request

from services.intake.accept import FAULT_CODES, Action, accept
from services.intake.models import NewAction, RecipientView
from services.intake.moderation.rules import SAYS, Reason
from services.intake.previews.models import (
    LanguageUsed,
    PreviewAnswer,
    RecipientPreview,
    WarningView,
)
from services.intake.previews.previewing import PreviewDesk, PreviewsAway
from services.intake.take import Taker
from services.intake.told import status
from shared.api_keys import Client, Scope
from shared.catalogue import CARRIED, WRITTEN, Catalogue, Channel, Kind
from shared.catalogue_reader import CatalogueReader
from shared.clock import Clock
from shared.database import Database
from shared.http.operations import op
from shared.http.problems import Problem, ProblemKind
from shared.previews import Preview
from shared.tables.intake import Standing

PREVIEWS_AWAY = ProblemKind(503, "previews_unavailable", "Previews cannot be made now")
NO_DOCUMENT = ProblemKind(406, "no_document", "There is no document of this type")

JSON, PDF, PNG = "application/json", "application/pdf", "image/png"
_BYTES = {"type": "string", "format": "binary"}
_COUNTED = {
    Channel.OWN_POST: "Counted, and never printed: the supporter posted it.",
    Channel.PUBLIC: "Counted, and never sent: the supporter said it in public.",
}
_CONFIRMATION = "The supporter is asked by email first, and has 7 days to say yes."


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewsEdge:
    database: Database
    catalogue: CatalogueReader
    taker: Taker
    desk: PreviewDesk
    clock: Clock

    @op(
        "POST",
        "/v1/previews",
        scope=Scope.SUBMIT,
        problems=(PREVIEWS_AWAY, NO_DOCUMENT),
        faults=FAULT_CODES,
        gives={PDF: _BYTES, PNG: _BYTES},
    )
    def post_preview(self, body: NewAction, client: Client) -> PreviewAnswer | Response:
        """Look at what recipients would get.

        Takes what `POST /v1/actions` takes, checks it in the same way, and answers what each
        recipient would get now: the email, or the letter as PDF and pictures, on which carrier,
        and what would hold it up. Nothing is stored and nobody is written to.

        Ask with `Accept: application/pdf` or `image/png` for the first recipient's letter itself
        (of several pages, the picture shows the first).
        """
        catalogue = self.catalogue.current()
        key = self.taker.identity_key
        action = accept(body, client, catalogue=catalogue, identity_key=key, at=self.clock())
        with self.database.read() as connection:
            [action] = self.taker.judge(connection, [action])
        answer = PreviewAnswer(
            **status(action.standing, None, set()),
            mode=action.mode,
            campaign=action.campaign,
            case=action.case,
            kind=Kind(action.kind),
            channel=Channel(action.channel),
            language=_language(body, action),
            warnings=list(_warnings(action)),
            previews=[_shown(one, action, catalogue) for one in self._made(action)],
        )
        wanted = request.accept_mimetypes.best_match([JSON, PDF, PNG], default=JSON)
        return answer if wanted == JSON else _document(answer, wanted)

    def _made(self, action: Action) -> list[Preview]:
        if action.channel not in CARRIED:
            why = _COUNTED[Channel(action.channel)]
            return [
                Preview(recipient=slug, carrier=None, why=why, holder=None)
                for slug in action.recipients
            ]
        try:
            return self.desk.preview(action)
        except PreviewsAway:
            raise Problem(PREVIEWS_AWAY, headers={"Retry-After": "5"}) from None


def _language(asked: NewAction, action: Action) -> LanguageUsed:
    if asked.kind not in WRITTEN or asked.channel not in CARRIED:
        why = "What is counted, or signed, is not written in a text of the case."
    elif asked.language.lower() == action.language.lower():
        why = "The case has a text in this language."
    else:
        why = f"The case has no text in {asked.language}; its text in {action.language} serves it."
    return LanguageUsed(asked=asked.language, used=action.language, why=why)


def _warnings(action: Action) -> Iterator[WarningView]:
    if action.standing is Standing.UNCONFIRMED:
        yield WarningView(code="confirmation", detail=_CONFIRMATION)
    for reason in action.held_for:
        yield WarningView(code=reason, detail=f"A person would read it: {SAYS[Reason(reason)]}")


def _shown(made: Preview, action: Action, catalogue: Catalogue) -> RecipientPreview:
    secret = action.kind == Kind.SOLIDARITY
    office = None if secret else catalogue.recipients[made.recipient].office
    return RecipientPreview(
        recipient=RecipientView(slug=made.recipient, office=office),
        holder=made.holder,
        carrier=made.carrier,
        why=made.why,
        subject=made.subject,
        text=made.text,
        html=made.html,
        pdf=made.pdf,
        pages=list(made.pages),
        warnings=[WarningView(code=one.code, detail=one.detail) for one in made.hindrances],
    )


def _document(answer: PreviewAnswer, wanted: str) -> Response:
    first = answer.previews[0] if answer.previews else None
    content = None
    if first is not None:
        content = first.pdf if wanted == PDF else next(iter(first.pages), None)
    if content is None:
        raise Problem(NO_DOCUMENT, "The first recipient would get nothing on paper")
    return Response(base64.b64decode(content), mimetype=wanted)
