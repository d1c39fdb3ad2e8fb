"""Renders the console's pages: one Jinja2 environment, escaping everything, with our own filters.

In: a template's name and what it shows.  Out: a Response; a live part answers 304 when nothing has
changed since the reader's last look.
"""

import hashlib
from typing import Any

from flask import Response, request, url_for
from jinja2 import Environment, PackageLoader, StrictUndefined
from werkzeug.exceptions import HTTPException

from services.tracking.console import looks
from services.tracking.console.assets import load_assets
from services.tracking.queries.sentences import provider_name, reason_says, state_says
from shared.catalogue import Channel
from shared.catalogue_reader import CatalogueReader
from shared.clock import Clock
from shared.http.problems import Problem


class Pages:
    def __init__(self, catalogue: CatalogueReader, clock: Clock) -> None:
        self.assets = load_assets()
        self._catalogue = catalogue
        self._clock = clock
        self._environment = Environment(
            loader=PackageLoader("services.tracking.console", "."),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.globals |= {
            "url": _url,
            "asset": self._asset,
            "bar": looks.bar,
            "percent": looks.percent,
            "grouped": looks.grouped,
            "states": looks.ORDER,
            "groups": looks.GROUPS,
            "channels": tuple(Channel),
        }
        self._environment.filters |= {
            "ago": lambda at: looks.ago(at, self._clock()),
            "exactly": looks.exactly,
            "word": looks.state_word,
            "number": looks.thousands,
            "says": lambda one: state_says(one.state, one.mode),
            "reason": reason_says,
            "provider": provider_name,
            "sum_values": lambda numbers: sum(numbers.values()),
            "case": self._case,
            "office": self._office,
        }

    def render(
        self, template: str, *, live: bool = False, status: int = 200, **shown: Any
    ) -> Response:
        html = self._environment.get_template(template).render(
            catalogue=self._catalogue.current(), request=request, **shown
        )
        response = Response(html, status=status, mimetype="text/html")
        if live:
            response.set_etag(hashlib.sha256(html.encode()).hexdigest()[:32])
            response.headers["Cache-Control"] = "private, no-cache"
            response.make_conditional(request)
        return response

    def error(self, error: HTTPException) -> Response:
        """What went wrong, as a page."""
        status = error.code or 500
        return self._wrong(status, error.name)

    def problem(self, problem: Problem) -> Response:
        return self._wrong(problem.kind.status, problem.detail)

    def _wrong(self, status: int, said: str) -> Response:
        return self.render("wrong.html.j2", status=status, code=status, said=said)

    def _asset(self, name: str) -> str:
        return url_for("console.asset", name=name, v=self.assets[name].version)

    def _case(self, slug: str) -> str:
        found = self._catalogue.current().cases.get(slug)
        return found.name if found else slug

    def _office(self, slug: str) -> str:
        if slug.startswith("notice/"):
            return "The supporter"
        found = self._catalogue.current().recipients.get(slug)
        return found.office if found else slug


def _url(endpoint: str, /, **values: Any) -> str:
    return url_for(f"console.{endpoint}", **values)
