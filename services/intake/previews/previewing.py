"""Asks dispatch what recipients would get, and for cover sheets.  It keeps nothing of either.

In: an action that accept.py checked.  Out: `Preview`s, rendered by the very code that renders what
leaves.  Services never import one another: the two agree on shared/previews.py.

PreviewsAway     dispatch's preview service does not answer, has no time, or none is set up
NotPrintable     a cover sheet cannot be set with these words; the message says why
"""

import base64
import threading
from collections.abc import Iterator, Sequence
from typing import Protocol, TypeVar

import structlog
import urllib3
from pydantic import BaseModel, ValidationError

from services.intake.accept import Action
from services.intake.settings import Settings
from shared.previews import (
    COVER_SHEETS,
    MOST_RECIPIENTS,
    NOT_PRINTABLE,
    PREVIEWS,
    SECONDS,
    CoverSheet,
    CoverSheetOrder,
    Preview,
    PreviewOrder,
    Previews,
)

M = TypeVar("M", bound=BaseModel)

_CONNECT_S = 2.0
_AT_ONCE = 2  # of a process's threads: the others are there to take actions
_PATIENCE_S = 1.0  # for one of them to become free

log = structlog.get_logger()


class PreviewsAway(Exception):
    """No preview can be made now."""


class NotPrintable(Exception):
    """The words cannot be set.  The message names a check or a code point, and quotes nobody."""


class PreviewDesk(Protocol):
    """Where previews are made."""

    def preview(self, action: Action) -> list[Preview]:
        """One for each recipient of the action.  Raises PreviewsAway."""

    def cover_sheet(self, order: CoverSheetOrder) -> bytes:
        """A PDF.  Raises PreviewsAway and NotPrintable."""


class NoPreviews:
    """Where none is set up."""

    def preview(self, action: Action) -> list[Preview]:
        raise PreviewsAway

    def cover_sheet(self, order: CoverSheetOrder) -> bytes:
        raise PreviewsAway


class DispatchPreviews:
    """Dispatch's preview service."""

    def __init__(self, url: str, key: str) -> None:
        self._url = url
        self._free = threading.BoundedSemaphore(_AT_ONCE)
        self._headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        self._http = urllib3.PoolManager(
            maxsize=_AT_ONCE,
            retries=False,
            # It gives up by itself after SECONDS.
            timeout=urllib3.Timeout(connect=_CONNECT_S, read=SECONDS + 2),
        )

    def preview(self, action: Action) -> list[Preview]:
        return [
            one
            for some in _parts(action.recipients)
            for one in self._ask(PREVIEWS, _order(action, some), Previews).previews
        ]

    def cover_sheet(self, order: CoverSheetOrder) -> bytes:
        return base64.b64decode(self._ask(COVER_SHEETS, order, CoverSheet).pdf)

    def _ask(self, path: str, body: BaseModel, model: type[M]) -> M:
        answer = self._call(f"{self._url}{path}", body.model_dump_json().encode())
        try:
            if answer.status == 200:
                return model.model_validate_json(answer.data)
            problem = _Problem.model_validate_json(answer.data)
        except ValidationError:  # its words would quote the letter
            problem = _Problem(code="")
        if problem.code == NOT_PRINTABLE:
            raise NotPrintable(problem.detail)
        log.warning("previews_away", status=answer.status, code=problem.code)
        raise PreviewsAway

    def _call(self, url: str, sent: bytes) -> urllib3.BaseHTTPResponse:
        if not self._free.acquire(timeout=_PATIENCE_S):
            log.warning("previews_busy")
            raise PreviewsAway
        try:
            return self._http.request("POST", url, body=sent, headers=self._headers)
        except urllib3.exceptions.HTTPError as error:
            log.warning("previews_away", error=type(error).__name__)
            raise PreviewsAway from error
        finally:
            self._free.release()


def make_preview_desk(settings: Settings) -> PreviewDesk:
    """For a root."""
    if not settings.preview_url:
        return NoPreviews()
    return DispatchPreviews(settings.preview_url, settings.preview_key)


class _Problem(BaseModel):
    code: str
    detail: str = ""


def _parts(recipients: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(recipients), MOST_RECIPIENTS):
        yield recipients[start : start + MOST_RECIPIENTS]


def _order(action: Action, recipients: Sequence[str]) -> PreviewOrder:
    return PreviewOrder(
        mode=action.mode,
        campaign=action.campaign,
        case=action.case,
        kind=action.kind,
        channel=action.channel,
        language=action.language,
        recipients=tuple(recipients),
        supporter_name=action.supporter_name,
        supporter_email=action.supporter_email,
        supporter_country=action.supporter_country,
        words=action.words,
        consent=action.consent,
    )
