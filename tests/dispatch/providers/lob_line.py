"""Lob on the other end of the line: answers in turn, and what it was asked, read back."""

import json
import socket
from io import BytesIO
from typing import Any

from werkzeug.wrappers import Request

from services.dispatch.providers.capability import Format
from services.dispatch.providers.contract import Letter, ProviderError, Taken
from services.dispatch.providers.lob import Lob
from shared.clock import Clock, new_id, now
from tests import lob_document
from tests.dispatch.providers.line import Answer, Line, answering, listening, stalling

KEY, SENDER = "test_0123", "adr_210a8d4b0b76d77b"
ADDRESS = answering(200, '{"id": "adr_4711"}')
LINES = ("Office of the Prosecutor", "1 Main Street", "220050 Minsk", "BELARUS")


def a_vendor(url: str, *, clock: Clock = now, patience_s: float = 10) -> Lob:
    return Lob(
        url,
        KEY,
        from_address=SENDER,
        connect_timeout_s=patience_s,
        read_timeout_s=patience_s,
        clock=clock,
    )


def patience_with(answer: Answer) -> float:
    """Seconds: short where nothing will come, long where it will, however busy the machine is."""
    return 1 if answer is stalling else 10


def a_letter(**changes: Any) -> Letter:
    told: dict[str, Any] = {
        "delivery_id": new_id(),
        "idempotency_key": "key-1",
        "pdf": b"%PDF-1.7",
        "pages": 2,
        "lines": LINES,
        "country": "BY",
        "format": Format.US_LETTER,
    }
    return Letter(**(told | changes))


def in_turn(*answers: Answer) -> Answer:
    """Each answer once, the last for ever."""
    left = list(answers)

    def answer(peer: socket.socket) -> None:
        (left.pop(0) if len(left) > 1 else left[0])(peer)

    return answer


def error(status: int, code: str, **headers: str) -> Answer:
    """Lob's envelope; the message quotes what must not get into a log."""
    said = {"message": "Ana Beispiel, 1 Street", "status_code": status, "code": code}
    return answering(status, json.dumps({"error": said}), **headers)


def order(
    answer: Answer, letter: Letter | None = None, *, clock: Clock = now
) -> tuple[Taken | ProviderError, Line]:
    """How one order ended, its address being taken."""
    with listening(in_turn(ADDRESS, answer)) as line:
        try:
            vendor = a_vendor(line.url, clock=clock, patience_s=patience_with(answer))
            return vendor.order(letter or a_letter()), line
        except ProviderError as fault:
            return fault, line


class Asked(Request):
    """What was asked, its files in memory: nobody closes it."""

    def _get_file_stream(self, *_: object, **__: object) -> BytesIO:
        return BytesIO()


def asked(request: bytes) -> Asked:
    """One request as a web server reads it."""
    head, _, body = request.partition(b"\r\n\r\n")
    first, *rest = head.decode().split("\r\n")
    method, target, _ = first.split(" ")
    path, _, query = target.partition("?")
    headers = dict(line.split(": ", 1) for line in rest)
    named = {f"HTTP_{name.upper().replace('-', '_')}": headers[name] for name in headers}
    return Asked(
        {
            "REQUEST_METHOD": method,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "CONTENT_TYPE": headers.get("Content-Type", ""),
            "CONTENT_LENGTH": headers.get("Content-Length", "0"),
            "wsgi.input": BytesIO(body),
            **named,
        }
    )


def fields_of(request: bytes) -> dict[str, Any]:
    """The form that was sent, as the document reads it."""
    read = asked(request)
    return lob_document.as_json(read.form, read.files)
