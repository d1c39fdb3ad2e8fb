"""One address for all that a campaign tool asks, where both services run in one process.

In: intake's and tracking's apps.  Out: a WSGI application that hands each request to the one that
knows its path; what stands in one document is served at one base URL.  In production the reverse
proxy does the same (deploy/README.md).
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from flask import Flask
from werkzeug.exceptions import HTTPException, NotFound

from services.cli.openapi import merged
from shared.http import docs

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

_API = "/v1/"  # tracking's console and its own documents stay where they are


def make_front(intake: Flask, tracking: Flask) -> "WSGIApplication":
    """Both APIs, with /docs and /openapi.json of both together."""
    guide = Flask("writ-front", static_folder=None)
    docs.show(guide, lambda: merged(intake, tracking))
    pages = {rule.rule for rule in guide.url_map.iter_rules()}  # without variables

    def front(environ: "WSGIEnvironment", start: "StartResponse") -> Iterable[bytes]:
        if environ["PATH_INFO"] in pages:
            return guide(environ, start)
        of_tracking = environ["PATH_INFO"].startswith(_API) and not _knows(intake, environ)
        app = tracking if of_tracking and _knows(tracking, environ) else intake
        return app(environ, start)

    return front


def _knows(app: Flask, environ: "WSGIEnvironment") -> bool:
    """Whether the path is one of the app's, by whatever method."""
    try:
        app.url_map.bind_to_environ(environ).match()
    except NotFound:
        return False
    except HTTPException:  # the method is another, or a slash is missing
        return True
    return True
