"""Cover sheets: a page for the top of a pile of letters, with a code that tells their number."""

from dataclasses import dataclass, replace
from typing import NoReturn

from flask import Response

from services.intake.counts import counts, cover_sheets
from services.intake.counts.counts import Count
from services.intake.counts.cover_sheets import FAULT_CODES, why_none
from services.intake.counts.models import CountPath, NewCoverSheet, SheetQuery
from services.intake.edges.counts import REFERENCE_TAKEN, WITHDRAWN, keep, own
from services.intake.edges.previews import PREVIEWS_AWAY
from services.intake.links import SignedLinks
from services.intake.previews.previewing import NotPrintable, PreviewDesk, PreviewsAway
from shared import spoken
from shared.api_keys import Client, Scope
from shared.catalogue import Catalogue
from shared.catalogue_reader import CatalogueReader
from shared.clock import Clock
from shared.database import Database
from shared.http.operations import op
from shared.http.problems import Fault, Problem, ProblemKind, invalid

NO_SHEET = ProblemKind(409, "no_cover_sheet", "There is no cover sheet for this count")
PDF = "application/pdf"
_GIVES = {PDF: {"type": "string", "format": "binary"}}


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverSheetsEdge:
    database: Database
    catalogue: CatalogueReader
    desk: PreviewDesk
    links: SignedLinks
    clock: Clock

    @op(
        "POST",
        "/v1/cover-sheets",
        scope=Scope.SUBMIT,
        status=201,
        problems=[REFERENCE_TAKEN, PREVIEWS_AWAY],
        faults={**counts.FAULT_CODES, **FAULT_CODES},
        gives=_GIVES,
    )
    def post_cover_sheet(self, body: NewCoverSheet, query: SheetQuery, client: Client) -> Response:
        """Print a cover sheet for a pile of letters.

        One A4 page as PDF, to lie on top: for whom the letters are, who wrote them and when, where
        to send them, and a code that leads to a page where the organiser tells or corrects their
        number. `Location` is the count that it stands for; without a number it counts nothing yet.
        """
        catalogue = self.catalogue.current()
        asked = counts.check(body, client, catalogue=catalogue, at=self.clock())
        if code := why_none(asked.channel, asked.case, catalogue):
            pointer = "/channel" if code == "not_on_paper" else "/case"
            raise invalid([Fault(pointer, code, FAULT_CODES[code])])
        language = spoken.language_of(query.language)
        # Before anything is stored: a sheet that cannot be set leaves no count behind.
        sheet = self._set(asked, catalogue, language)
        with self.database.begin() as connection:
            kept = keep(connection, asked)
        if replace(kept, reported_at=asked.reported_at) != asked:
            sheet = self._set(kept, catalogue, language)
        sheet.status_code, sheet.headers["Location"] = 201, f"/v1/counts/{kept.id}"
        return sheet

    @op(
        "GET",
        "/v1/counts/{id}/cover-sheet",
        scope=(Scope.SUBMIT, Scope.READ),
        problems=[WITHDRAWN, NO_SHEET, PREVIEWS_AWAY],
        faults=FAULT_CODES,
        gives=_GIVES,
    )
    def get_cover_sheet(self, path: CountPath, query: SheetQuery, client: Client) -> Response:
        """Print the cover sheet of a count, again or for the first time."""
        with self.database.read() as connection:
            count = own(connection, path.id, client)
        catalogue = self.catalogue.current()
        if count.withdrawn_at is not None:
            raise Problem(WITHDRAWN)
        if code := why_none(count.channel, count.case, catalogue):
            raise Problem(NO_SHEET, FAULT_CODES[code])
        return self._set(count, catalogue, spoken.language_of(query.language))

    def _set(self, count: Count, catalogue: Catalogue, language: str) -> Response:
        order = cover_sheets.order(count, catalogue, self.links, language)
        try:
            return Response(self.desk.cover_sheet(order), mimetype=PDF)
        except PreviewsAway:
            raise Problem(PREVIEWS_AWAY, headers={"Retry-After": "5"}) from None
        except NotPrintable as fault:
            _not_printable(str(fault))


def _not_printable(why: str) -> NoReturn:
    raise invalid([Fault("/organiser", "not_printable", f"It cannot be printed: {why}")])
