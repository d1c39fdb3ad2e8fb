"""What every request of an `Api` gets: an id, safe headers, and one line in the log.

In: a Flask app.  The line names the rule and never the path: what a caller put into an address is
not for our logs.
"""

import time

import structlog
from flask import Flask, Response, g, request

from shared.clock import new_id

log = structlog.get_logger("writ.http")


def watch(app: Flask) -> None:
    """From here on every request of `app`."""
    app.before_request(_begin)
    app.after_request(_end)


def _begin() -> None:
    g.began = time.perf_counter()
    g.request_id = str(new_id())


def _end(response: Response) -> Response:
    response.headers["Request-Id"] = g.request_id
    response.headers.setdefault("Cache-Control", "no-store")
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    rule = request.url_rule
    log.info(
        "request",
        request_id=g.request_id,
        method=request.method,
        route=rule.rule if rule else None,
        status=response.status_code,
        code=g.get("problem_code"),
        client_id=str(g.client.id) if "client" in g else None,
        ms=round((time.perf_counter() - g.began) * 1000, 2),
    )
    return response
