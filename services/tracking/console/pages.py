"""The console's pages: overview, search, a delivery, and the two queues that wait for people.

Server-rendered; they work without JavaScript.  In: requests under /console/.  Out: HTML, and the
commands that people give.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from flask import Blueprint, Flask, Response, abort, redirect, request, url_for
from werkzeug.exceptions import HTTPException

from services.tracking.commands import give
from services.tracking.console.acts import ACTS, LONGEST_WHY, Act, command, fits, fitting
from services.tracking.console.documents import Documents
from services.tracking.console.door import ConsoleDoor
from services.tracking.console.files import FilePages
from services.tracking.console.reading import papers
from services.tracking.console.replies import ReplyPages, replies_to
from services.tracking.console.template import Pages
from services.tracking.queries import timeline
from services.tracking.queries.deliveries import Search, Shown, find_newest, get
from services.tracking.queries.overview import Overview, overview
from services.tracking.queries.remembered import Remembered
from services.tracking.settings import Settings
from services.tracking.words import ShownState
from shared.catalogue_reader import CatalogueReader
from shared.clock import Clock
from shared.database import Database
from shared.http.paging import read_cursor, write_cursor
from shared.http.problems import Problem
from shared.privacy import Keyring
from shared.text import storable

PAGE = 50  # deliveries in a list
_CSP = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; frame-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)


def add_console(
    app: Flask,
    *,
    settings: Settings,
    database: Database,
    catalogue: CatalogueReader,
    remembered: Remembered,
    clock: Clock,
) -> None:
    """Hangs the console on `app` under /console/, and leads / there."""
    keyring = Keyring.parse(settings.common.privacy_keys)
    door = ConsoleDoor(settings.console_password, keyring, clock)
    documents = Documents(settings.common.data_dir)
    pages = Pages(catalogue, clock)
    console = Console(
        database=database,
        door=door,
        documents=documents,
        pages=pages,
        remembered=remembered,
        clock=clock,
    )
    blueprint = Blueprint("console", __name__, url_prefix="/console")
    blueprint.before_request(door.refusal)
    blueprint.after_request(_protect)
    blueprint.register_error_handler(HTTPException, pages.error)
    blueprint.register_error_handler(Problem, pages.problem)
    console.hang(blueprint)
    FilePages(database, documents, pages.assets).hang(blueprint)
    ReplyPages(database, pages).hang(blueprint)
    app.register_blueprint(blueprint)
    app.add_url_rule("/", "root", lambda: redirect(url_for("console.home")))


def _protect(response: Response) -> Response:
    response.headers.setdefault("Content-Security-Policy", _CSP)
    response.headers.setdefault("Referrer-Policy", "same-origin")
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    return response


@dataclass(frozen=True, slots=True, kw_only=True)
class Console:
    database: Database
    door: ConsoleDoor
    documents: Documents
    pages: Pages
    remembered: Remembered
    clock: Clock

    def hang(self, blueprint: Blueprint) -> None:
        rules: tuple[tuple[str, str, Callable[..., Any]], ...] = (
            ("/", "home", self.home),
            ("/live", "live_home", self.live_home),
            ("/search", "search", self.search),
            ("/held", "held", self.held),
            ("/unknown", "unknown", self.unknown),
            ("/deliveries/<uuid:delivery_id>", "delivery", self.delivery),
            ("/deliveries/<uuid:delivery_id>/live", "live_delivery", self.live_delivery),
            ("/deliveries/<uuid:delivery_id>/do/<name>", "act", self.act),
            ("/<path:_nothing>", "nothing", self.nothing),
        )
        for rule, name, view in rules:
            blueprint.add_url_rule(rule, name, view)
        blueprint.add_url_rule(
            "/deliveries/<uuid:delivery_id>/do/<name>", "do", self.do, methods=["POST"]
        )

    def home(self) -> Response:
        return self.pages.render("overview.html.j2", view=self._overview())

    def live_home(self) -> Response:
        return self.pages.render("overview_figures.html.j2", live=True, view=self._overview())

    def search(self) -> Response:
        search = _search()
        return self.pages.render("search.html.j2", search=search, **self._found(search))

    def held(self) -> Response:
        found = self._found(Search(state=ShownState.HELD))
        return self.pages.render("held.html.j2", **found)

    def unknown(self) -> Response:
        found = self._found(Search(state=ShownState.UNKNOWN))
        return self.pages.render("unknown.html.j2", **found)

    def delivery(self, delivery_id: UUID) -> Response:
        with self.database.read() as connection:
            shown = _existing(get(connection, delivery_id, client_id=None))
            kept = papers(connection, delivery_id)
            replies = replies_to(connection, delivery_id)
            moments = timeline.of_delivery(connection, delivery_id)
            acts = fitting(connection, shown)
        parts = self.documents.email(kept.shown.document if kept.shown else None)
        pages = self.documents.page_count(kept.shown.document if kept.shown else None)
        return self.pages.render(
            "delivery.html.j2",
            shown=shown,
            papers=kept,
            replies=replies,
            moments=moments,
            acts=acts,
            email=parts,
            letter_pages=pages,
            asked=ACTS.get(request.args.get("asked", "")),
        )

    def live_delivery(self, delivery_id: UUID) -> Response:
        with self.database.read() as connection:
            shown = _existing(get(connection, delivery_id, client_id=None))
            moments = timeline.of_delivery(connection, delivery_id)
            acts = fitting(connection, shown)
        return self.pages.render(
            "delivery_live.html.j2", live=True, shown=shown, moments=moments, acts=acts
        )

    def act(self, delivery_id: UUID, name: str) -> Response:
        """Says what it will do, and asks why."""
        act = _known(name)
        return self._form(delivery_id, act)

    def do(self, delivery_id: UUID, name: str) -> Response:
        act = _known(name)
        if not self.door.is_own(request.form.get("token", ""), _purpose(delivery_id, act)):
            fault = "This form was open for too long, or was not ours. Please send it again."
            return self._form(delivery_id, act, fault=fault, status=400)
        why = storable(" ".join(request.form.get("why", "").split()))
        if not why or len(why) > LONGEST_WHY:
            fault = "Please say why: whoever reads the timeline later will want to know."
            return self._form(delivery_id, act, fault=fault, status=422)
        with self.database.begin() as connection:
            shown = _existing(get(connection, delivery_id, client_id=None))
            if may := fits(connection, act, shown):
                wish = command(connection, act, shown, given_by=self.door.person, why=why)
                give(connection, wish, self.clock())
        if not may:
            return self._form(delivery_id, act, status=409)
        to = url_for("console.delivery", delivery_id=delivery_id, asked=act.name)
        return Response(status=303, headers={"Location": to})

    def nothing(self, _nothing: str) -> Response:
        abort(404)

    def _form(
        self, delivery_id: UUID, act: Act, *, fault: str | None = None, status: int = 200
    ) -> Response:
        with self.database.read() as connection:
            shown = _existing(get(connection, delivery_id, client_id=None))
            may = fits(connection, act, shown)
        return self.pages.render(
            "act.html.j2",
            status=status,
            shown=shown,
            act=act,
            fits=may,
            fault=fault,
            why=request.form.get("why", ""),
            token=self.door.token(_purpose(delivery_id, act)),
        )

    def _overview(self) -> Overview:
        mode = "test" if request.args.get("mode") == "test" else "live"
        return self.remembered.get(("overview", mode), lambda: self._look(mode))

    def _look(self, mode: str) -> Overview:
        with self.database.read() as connection:
            return overview(connection, mode=mode, now=self.clock())

    def _found(self, search: Search) -> dict[str, Any]:
        before = read_cursor(request.args.get("before"), 2)
        with self.database.read() as connection:
            found = find_newest(connection, search, limit=PAGE + 1, before=before)
        last = found[PAGE - 1] if len(found) > PAGE else None
        return {
            "found": found[:PAGE],
            "newest": _list() if before else None,
            "older": _list(before=write_cursor(last.xact, last.seq)) if last else None,
        }


def _list(**more: str) -> str:
    """The address of the list that is shown, at another place in it."""
    kept = {name: value for name, value in request.args.items() if name != "before"}
    return f"{request.path}?{urlencode(kept | more)}"


def _search() -> Search:
    given = {name: storable(value).strip() for name, value in request.args.items()}
    state = given.get("state")
    return Search(
        text=given.get("q"),
        case=given.get("case"),
        channel=given.get("channel"),
        recipient=given.get("recipient"),
        state=ShownState(state) if state in list(ShownState) else None,
    )


def _known(name: str) -> Act:
    act = ACTS.get(name)
    if act is None:
        abort(404)
    return act


def _existing(shown: Shown | None) -> Shown:
    if shown is None:
        abort(404)
    return shown


def _purpose(delivery_id: UUID, act: Act) -> str:
    return f"{act.name} {delivery_id}"
