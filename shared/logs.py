"""Logs as fields, and errors to Sentry, without people in either.

One line a request and one an attempt; JSON for machines, readable text for a terminal.
"""

import logging
import sys
from typing import Any, TextIO

import sentry_sdk
import structlog
from sentry_sdk.integrations.dramatiq import DramatiqIntegration
from sentry_sdk.types import Event, Hint
from structlog.typing import EventDict, Processor

from shared.settings import LogSettings


def set_up_logs(settings: LogSettings, *, service: str, stream: TextIO = sys.stderr) -> None:
    """Call once, at the root of a process and before its broker is made."""
    renderer: Any = (
        structlog.processors.JSONRenderer()
        if settings.log_json
        else structlog.dev.ConsoleRenderer(
            colors=stream.isatty(),
            exception_formatter=structlog.dev.plain_traceback,  # its default shows local variables
        )
    )
    fields: list[Processor] = [
        _named(service),
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*fields, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(file=stream),
        cache_logger_on_first_use=False,
    )
    # What libraries say through the standard library, in the same form.
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=fields,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    # A broker that is away is said once a second by the relay, and not by ten tracebacks.
    logging.getLogger("pika").setLevel(logging.CRITICAL)
    if settings.sentry_dsn:
        sentry_sdk.init(
            dsn=settings.sentry_dsn,
            # Sentry's defaults send arguments and local variables: letters and names among them.
            include_local_variables=False,
            max_request_body_size="never",
            before_send=_without_people,
            integrations=[DramatiqIntegration()],
        )


def _named(service: str) -> Processor:
    # Not a context variable: the threads of a server do not inherit it.
    def add(_logger: object, _method: str, line: EventDict) -> EventDict:
        line["service"] = service
        return line

    return add


def _without_people(event: Event, _hint: Hint) -> Event:
    event.get("contexts", {}).pop("dramatiq", None)
    event.pop("request", None)
    return event
