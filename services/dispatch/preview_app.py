"""The root and edge of the preview service: intake asks, and nobody else.

It answers `Authorization: Bearer WRIT_PREVIEW_KEY` only, within bounds of size and time.  What it
is sent is personal: it lives as long as the request, and no log has more of it than its length.

gunicorn 'services.dispatch.preview_app:create_app()'
"""

import base64
import hmac
import os
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import structlog
from flask import Flask, Response, g, request
from pydantic import BaseModel

from services.dispatch.preview import Previewer, TooSlow
from services.dispatch.preview_settings import PreviewSettings
from services.dispatch.rendering.cover_sheet import CoverSheetPress
from services.dispatch.rendering.faults import LetterFault
from services.dispatch.rendering.letter import LetterPress
from shared.catalogue_reader import CatalogueReader
from shared.clock import Clock, now
from shared.database import Database
from shared.http.bodies import json_body
from shared.http.health import Check, Health, database_check
from shared.http.problems import (
    KEY_INVALID,
    NOT_READY,
    Problem,
    ProblemKind,
    handle_errors,
)
from shared.logs import set_up_logs
from shared.previews import (
    COVER_SHEETS,
    MOST_BYTES,
    NOT_PRINTABLE,
    PREVIEWS,
    SECONDS,
    CoverSheet,
    CoverSheetOrder,
    PreviewOrder,
    Previews,
)
from shared.privacy import Keyring

TOO_SLOW = ProblemKind(503, "too_slow", "The previews took too long")
UNPRINTABLE = ProblemKind(422, NOT_PRINTABLE, "The cover sheet cannot be set")

log = structlog.get_logger("writ.http")


def create_app(
    settings: PreviewSettings | None = None,
    database: Database | None = None,
    clock: Clock = now,
    *,
    seconds: float = SECONDS,
) -> Flask:
    """The WSGI application; without settings, from the environment.  Raises SettingError."""
    if settings is None:
        settings = PreviewSettings.from_env()
        set_up_logs(settings.logs, service="dispatch-preview")
    # Typst would start a thread for each core: here a request is the unit.
    os.environ.setdefault("RAYON_NUM_THREADS", "1")
    # Without a key of privacy: the catalogue is not sealed, and the rest is not for this process.
    database = database or Database(settings.database_url, Keyring(()))
    workdir = Path(tempfile.gettempdir()) / "writ-preview"
    press = LetterPress(workdir)
    edge = PreviewEdge(
        key=settings.key,
        previewer=Previewer(CatalogueReader(database).current, press),
        cover_sheets=CoverSheetPress(workdir),
        ready=database_check(database),
        clock=clock,
        seconds=seconds,
    )
    app = Flask("writ-dispatch-preview", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MOST_BYTES
    handle_errors(app)
    app.after_request(_log)
    app.add_url_rule("/livez", "livez", lambda: _answer(Health()))
    app.add_url_rule("/readyz", "readyz", edge.readyz)
    app.add_url_rule(PREVIEWS, "previews", edge.post_previews, methods=["POST"])
    app.add_url_rule(COVER_SHEETS, "cover_sheets", edge.post_cover_sheet, methods=["POST"])
    return app


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewEdge:
    key: str = field(repr=False)
    previewer: Previewer
    cover_sheets: CoverSheetPress
    ready: Check
    clock: Clock
    seconds: float  # that previews may take

    def post_previews(self) -> Response:
        self._admit()
        order = json_body(request, PreviewOrder)
        until = time.monotonic() + self.seconds
        made = self.previewer.preview(order, self.clock(), in_time=lambda: time.monotonic() < until)
        try:
            return _answer(Previews(previews=tuple(made)))
        except TooSlow:
            raise Problem(TOO_SLOW) from None

    def post_cover_sheet(self) -> Response:
        self._admit()
        try:
            pdf = self.cover_sheets.typeset(json_body(request, CoverSheetOrder))
        except LetterFault as fault:
            raise Problem(UNPRINTABLE, str(fault)) from fault
        return _answer(CoverSheet(pdf=base64.b64encode(pdf).decode()))

    def readyz(self) -> Response:
        if wrong := self.ready():
            raise Problem(NOT_READY, wrong)
        return _answer(Health())

    def _admit(self) -> None:
        shown = request.headers.get("Authorization", "").encode()
        if not hmac.compare_digest(shown, f"Bearer {self.key}".encode()):
            raise Problem(KEY_INVALID)


def _answer(body: BaseModel) -> Response:
    response = Response(body.model_dump_json(), mimetype="application/json")
    response.headers["Cache-Control"] = "no-store"
    return response


def _log(response: Response) -> Response:
    rule = request.url_rule
    log.info(
        "request",
        route=rule.rule if rule else None,
        status=response.status_code,
        code=g.get("problem_code"),
    )
    return response
