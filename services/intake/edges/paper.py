"""Pages for people who follow a link: one look, no script, nothing from elsewhere, nothing stored.

In: a template of this folder, words in every language we speak.  Out: HTML, in a language that the
reader chose, or whose browser did.
"""

import base64
import hashlib
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from flask import Response, request
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from shared import spoken
from shared.http.problems import MEDIA_TYPE

UNKNOWN, BROKEN = "unknown", "broken"  # looks that every page has


class Paper:
    """One template with its words.  `blank` is what it shows where there is nothing to tell of."""

    def __init__(self, template: str, words: Mapping[str, Mapping[str, str]], **blank: Any) -> None:
        style = files("services.intake.edges").joinpath("paper.css").read_text(encoding="utf-8")
        digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
        self._headers = {
            "Cache-Control": "no-store",
            "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{digest}'; "
            "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
            "Referrer-Policy": "no-referrer",
            "X-Robots-Tag": "noindex, nofollow",
        }
        self._words = words
        self._told = blank | {
            "style": Markup(style),  # noqa: S704  (our own file)
            "languages": [(one, said["own_name"]) for one, said in words.items()],
        }
        environment = Environment(
            loader=PackageLoader("services.intake.edges", "."),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        environment.filters["fill"] = _fill
        self._template = environment.get_template(template)

    def page(self, look: str, language: str, *, status: int = 200, **told: Any) -> Response:
        html = self._template.render(
            **self._told | told,
            look=look,
            language=language,
            direction="rtl" if spoken.is_right_to_left(language) else "ltr",
            say=self._words[language],
        )
        return Response(html, status=status, headers=self._headers, mimetype="text/html")

    def for_people(self, response: Response) -> Response:
        """In place of a problem document, which says nothing to whoever followed a link."""
        if response.mimetype != MEDIA_TYPE:
            return response
        page = self.page(BROKEN, chosen_language(), status=response.status_code)
        page.headers.extend((k, v) for k, v in response.headers if k == "Retry-After")
        return page


def chosen_language(of_the_thing: str | None = None) -> str:
    """As asked for; else that of what the page is about; else the one that the browser likes."""
    asked = request.args.get("lang")
    if asked in spoken.languages():
        return asked
    if of_the_thing is not None:
        return spoken.language_of(of_the_thing)
    return request.accept_languages.best_match(spoken.languages()) or spoken.ENGLISH


def _fill(text: str, **values: str | None) -> Markup:
    """Each value in an isolate of its own: a Latin name would jumble a line of Arabic."""
    return Markup(text).format(  # noqa: S704  (our own file; what is filled in gets escaped)
        **{name: Markup("<bdi>{}</bdi>").format(value) for name, value in values.items()}
    )
