"""The page that a cover sheet's code leads to: a GET shows the pile, a POST tells its number.

In: a link from paper.  Out: HTML without any script.  Whoever holds the paper may tell the number
of that very pile, some times a day; the audit log keeps every change.  Nobody's name is shown.
"""

import datetime as dt
import re
from collections.abc import Mapping
from typing import Any

import structlog
from flask import Blueprint, Response, redirect, request
from sqlalchemy import Connection, func, select
from werkzeug.wrappers import Response as WSGIResponse

from services.intake.counts import counts, cover_sheets
from services.intake.counts.counts import Count
from services.intake.counts.cover_sheets import PATH
from services.intake.counts.models import MOST_COUNTED
from services.intake.edges.paper import UNKNOWN, Paper, chosen_language
from services.intake.links import SignedLinks
from shared.catalogue_reader import CatalogueReader
from shared.clock import Clock
from shared.database import Database
from shared.tables.intake import audit_log
from shared.tables.writing_events import reported_counts

#: Who changed the number, in the audit log: nobody is asked for a name.
ACTOR = "cover sheet"
MOST_CHANGES = 20  # of one pile in a day, UTC: the log keeps each for ever
_LONGEST = 12  # characters: a million with its thousands parted, and some to spare
_PARTED = r"[\s.,'\u2019\u066c]"  # how people part thousands
_NUMBER = re.compile(rf"\d+|\d{{1,3}}(?:{_PARTED}\d{{3}})+")

log = structlog.get_logger()


class PilePages:
    def __init__(
        self, database: Database, catalogue: CatalogueReader, links: SignedLinks, clock: Clock
    ) -> None:
        self._database = database
        self._catalogue = catalogue
        self._links = links
        self._clock = clock
        words = {language: cover_sheets.words(language) for language in cover_sheets.languages()}
        self._paper = Paper("pile.html.j2", words, count=None, campaign=None, fault=False)

    def blueprint(self) -> Blueprint:
        """To be hung on intake's app; what goes wrong below it is said in HTML, too."""
        pages = Blueprint("pile", __name__)
        rule = f"{PATH}<path:token>"
        pages.add_url_rule(rule, "show", self._show, methods=["GET"])
        pages.add_url_rule(rule, "tell", self._tell, methods=["POST"])
        pages.after_request(self._paper.for_people)
        return pages

    def _show(self, token: str) -> Response:
        return self._page(self._look(token))

    def _tell(self, token: str) -> WSGIResponse:
        """Takes the number, then shows what is reported: to load that again tells nothing."""
        given = request.form.get("number", "")[:_LONGEST]
        number = read_number(given)
        count = self._look(token)
        if count is None or not cover_sheets.is_open(count, self._clock()):
            return self._page(count)
        if number is None:
            return self._page(count, status=422, fault=True, given=given)
        if number != count.number and not self._changed(count, number):
            return self._page(count, status=429)
        return redirect(f"?lang={chosen_language()}", 303)

    def _changed(self, count: Count, number: int) -> bool:
        """False: it was changed too often today."""
        at = self._clock()
        with self._database.begin() as connection:
            if _changes_on(connection, count, at.date()) >= MOST_CHANGES:
                return False
            counts.correct(connection, count, number, by=ACTOR, at=at)
        log.info("pile_counted", count_id=str(count.id), number=number)
        return True

    def _look(self, token: str) -> Count | None:
        count_id = self._links.id_of(token)
        if count_id is None:
            return None
        with self._database.read() as connection:
            return counts.find(connection, None, id=count_id)

    def _page(self, count: Count | None, *, status: int = 200, **more: Any) -> Response:
        language = chosen_language()
        if count is None:
            return self._paper.page(UNKNOWN, language, status=404)
        told = {**self._told(count, language), **more}
        if not cover_sheets.is_open(count, self._clock()):
            return self._paper.page("closed", language, status=410, **told)
        look = "ask_again" if count.number and not more else "ask"
        look = "enough" if status == 429 else look
        return self._paper.page(look, language, status=status, **told)

    def _told(self, count: Count, language: str) -> Mapping[str, Any]:
        catalogue = self._catalogue.current()
        case = catalogue.cases.get(count.case)
        campaign = catalogue.campaigns.get(count.campaign)
        return {
            "count": count,
            "campaign": campaign.name if campaign else count.campaign,
            "organiser": campaign.organiser if campaign else None,
            "case": case.name if case else count.case,
            "contents": cover_sheets.contents(count, language),
            "day": cover_sheets.day(count, language),
            "number": cover_sheets.number(count.number, language) if count.number else None,
            "most": cover_sheets.number(MOST_COUNTED, language),
        }


def _changes_on(connection: Connection, count: Count, day: dt.date) -> int:
    """By this page.  Locks the count: of many at once, each sees those before it."""
    locked = select(reported_counts.c.id).where(reported_counts.c.id == count.id)
    connection.execute(locked.with_for_update())
    wanted = select(func.count()).where(
        audit_log.c.subject == str(count.id),
        audit_log.c.actor == ACTOR,
        audit_log.c.at >= dt.datetime.combine(day, dt.time(), dt.UTC),
    )
    return connection.scalar(wanted) or 0


def read_number(given: str) -> int | None:
    """A whole number as people write it: 1200, 1 200, 1.200, ١٢٠٠.  None where it is none."""
    text = given.strip()
    if not _NUMBER.fullmatch(text):
        return None
    number = int(re.sub(_PARTED, "", text))
    return number if 1 <= number <= MOST_COUNTED else None
