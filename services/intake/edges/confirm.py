"""Pages for supporters who are asked “was this you?”: a GET shows what was done, a POST answers.

In: a link from an email.  Out: HTML without any script, in the language of the action.  Programs
that look into links before people do may open it as often as they like.  Nobody's name is shown:
a link may be passed on.
"""

import json
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

import structlog
from flask import Blueprint, Response, redirect, request
from werkzeug.wrappers import Response as WSGIResponse

from services.intake.confirmation.confirm import PATH, Confirmations
from services.intake.confirmation.unconfirmed import Question, Waits, answer, look
from services.intake.edges.paper import UNKNOWN, Paper, chosen_language
from shared import spoken
from shared.catalogue_reader import CatalogueReader
from shared.clock import Clock
from shared.database import Database

_QUESTION = "question"
_STATUS = {Waits.EXPIRED: 410}

log = structlog.get_logger()


class ConfirmPages:
    def __init__(
        self,
        database: Database,
        catalogue: CatalogueReader,
        confirmations: Confirmations,
        clock: Clock,
    ) -> None:
        self._database = database
        self._catalogue = catalogue
        self._confirmations = confirmations
        self._clock = clock
        self._paper = Paper("confirm.html.j2", _words(), question=None, campaign=None)

    def blueprint(self) -> Blueprint:
        """To be hung on intake's app; what goes wrong below it is said in HTML, too."""
        pages = Blueprint("confirm", __name__)
        rule = f"{PATH}<path:token>"  # a mail program may have hung a slash on to it
        pages.add_url_rule(rule, "show", self._show, methods=["GET"])
        pages.add_url_rule(rule, "answer", self._answer, methods=["POST"])
        pages.after_request(self._paper.for_people)
        return pages

    def _show(self, token: str) -> Response:
        question = self._look(token)
        if question is None:
            return self._paper.page(UNKNOWN, chosen_language(), status=404)
        name = _QUESTION if question.waits is Waits.OPEN else question.waits.value
        status = _STATUS.get(question.waits, 200)
        tongue = chosen_language(question.language)
        return self._paper.page(name, tongue, status=status, **self._told(question, tongue))

    def _answer(self, token: str) -> WSGIResponse:
        """Answers once, and shows then how things stand: whoever loads that again asks nothing."""
        said = request.form.get("answer")
        question = self._look(token)
        if question is not None and said in {"yes", "no"}:
            with self._database.begin() as connection:
                answer(connection, question.action_id, self._clock(), yes=said == "yes")
            log.info("supporter_answered", action_id=str(question.action_id), answer=said)
        tongue = chosen_language(question.language if question else None)
        return redirect(f"?lang={tongue}", 303)

    def _look(self, token: str) -> Question | None:
        action_id = self._confirmations.action_of(token)
        if action_id is None:
            return None
        with self._database.read() as connection:
            return look(connection, action_id, self._clock())

    def _told(self, question: Question, language: str) -> Mapping[str, Any]:
        catalogue = self._catalogue.current()
        case = catalogue.cases.get(question.case)
        campaign = catalogue.campaigns.get(question.campaign)
        confirmed = question.confirmed_at
        return {
            "question": question,
            "campaign": campaign.name if campaign else question.campaign,
            "organiser": campaign.organiser if campaign else None,
            "case": case.name if case else question.case,
            "deed": spoken.deed(question.kind, question.channel, language),
            "day": spoken.day(question.occurred_at, language),
            "until": spoken.minute(question.until, language),
            "confirmed": spoken.minute(confirmed, language) if confirmed else None,
        }


def _words() -> Mapping[str, Mapping[str, str]]:
    text = files("services.intake.edges").joinpath("confirm.json").read_text(encoding="utf-8")
    found: Mapping[str, Mapping[str, str]] = json.loads(text)
    return found
