"""Answers of a Pingen that says just what a test wants, one a call; and letters to hand it."""

import json
import socket
import time
from collections.abc import Callable
from typing import Any

from services.dispatch.providers.contract import Letter
from services.dispatch.providers.pingen import Pingen
from services.dispatch.vendor_settings.pingen import PingenSettings
from shared.clock import new_id
from tests.dispatch.providers.line import (
    Answer,
    answering,
    babbling,
    cutting,
    hanging_up,
    resetting,
    stalling,
)

ORGANISATION = "b85c7b52-debb-4b15-b5db-d86b0a4e9bbf"
LETTERS = f"/organisations/{ORGANISATION}/deliveries/letters"
TOKEN = answering(200, '{"access_token": "a-token", "expires_in": 43200}')
STORED = answering(200, "")
UNHEARD = [stalling, resetting, hanging_up, cutting, babbling]  # no answer at all
ERROR = json.dumps({"errors": [{"code": "some_word", "title": "Ana Beispiel"}]})


def settings(url: str) -> PingenSettings:
    return PingenSettings(
        url=url,
        identity_url=url,
        client_id="us",
        client_secret="secret",
        organisation=ORGANISATION,
        product="cheap",
    )


def a_vendor(url: str, clock: Callable[[], float] = time.monotonic) -> Pingen:
    return Pingen(settings(url), connect_timeout_s=1, read_timeout_s=1, clock=clock)


def a_letter() -> Letter:
    delivery_id = new_id()
    return Letter(
        delivery_id=delivery_id,
        idempotency_key=str(delivery_id),
        pdf=b"%PDF-1.7",
        pages=2,
        lines=("Prosecutor General", "1 Street", "BELARUS"),
        country="BY",
    )


def a_place(peer: socket.socket) -> None:
    """Names a place on this same line for the file."""
    url = f"http://127.0.0.1:{peer.getsockname()[1]}/bucket/file?signed=1"
    attributes = {"url": url, "url_signature": "$2y$10$sign"}
    answering(200, json.dumps({"data": {"type": "file_uploads", "attributes": attributes}}))(peer)


def shown(letter: Letter | None = None, **attributes: Any) -> dict[str, object]:
    name = f"{letter.delivery_id}.pdf" if letter else "another.pdf"
    return {
        "id": "let-1",
        "type": "letters",
        "attributes": {"file_original_name": name}
        | {"status": "validating", "price_currency": None, "price_value": None}
        | attributes,
    }


def created(**attributes: Any) -> Answer:
    return answering(201, json.dumps({"data": shown(**attributes)}))


def listed(*letters: dict[str, object]) -> Answer:
    return answering(200, json.dumps({"data": letters}))


def steps(*answers: Answer) -> Answer:
    """One answer a call, in this order."""
    left = iter(answers)
    return lambda peer: next(left)(peer)
