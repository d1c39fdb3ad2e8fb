"""A Pingen on a real socket, and PDFs with an address in their window."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

import pikepdf
import urllib3
from flask import Flask, request

from services.sandbox import faults, pingen
from services.sandbox.pingen_letter import ORGANISATION, WebhookWriter
from services.sandbox.postman import Postman
from services.sandbox.store import Store
from services.sandbox.wire import THREADS
from shared.wsgi import listening
from tests.sandbox.world import API_KEY, SECRET, SETTINGS, wait_until

MM = 72 / 25.4
MINISTER = ("The Minister", "1 Main Street", "8000 Zuerich", "SWITZERLAND")
LETTERS = f"/organisations/{ORGANISATION}/deliveries/letters"


@dataclass(slots=True)
class PingenWorld:
    """A running Pingen, seen from outside, and from inside where its truth is asked."""

    desk: pingen.Desk
    book: faults.FaultBook
    store: Store
    url: str
    http: urllib3.PoolManager
    calls: list[str]  # "POST /pingen/file-upload", as they came

    def goes_wrong(self, **lanes: Any) -> None:
        self.book.put(faults.Faults.model_validate(lanes))

    def token(self) -> str:
        asked = {"grant_type": "client_credentials", "client_id": "us", "client_secret": API_KEY}
        answer = self.http.request(
            "POST", f"{self.url}/auth/access-tokens", fields=asked, encode_multipart=False
        )
        return str(answer.json()["access_token"])

    def call(
        self, method: str, path: str, body: object = None, **headers: str
    ) -> urllib3.BaseHTTPResponse:
        carried = {"Authorization": f"Bearer {self.token()}"} | headers
        return self.http.request(method, self.url + path, json=body, headers=carried)

    def upload(self, pdf: bytes) -> dict[str, str]:
        place = self.call("GET", "/file-upload").json()["data"]["attributes"]
        assert self.http.request("PUT", place["url"], body=pdf).status == 200
        return {"file_url": place["url"], "file_url_signature": place["url_signature"]}

    def create(
        self, key: str = "key-1", *, pdf: bytes | None = None, **changes: Any
    ) -> urllib3.BaseHTTPResponse:
        attributes = {
            "file_original_name": "delivery-1.pdf",
            "address_position": "left",
            "auto_send": True,
            "delivery_product": "cheap",
            "print_mode": "duplex",
            "print_spectrum": "grayscale",
            **self.upload(a_letter_pdf() if pdf is None else pdf),
            **changes,
        }
        body = {"data": {"type": "letters", "attributes": attributes}}
        return self.call("POST", LETTERS, body, **{"Idempotency-Key": key})

    def shown(self, letter_id: str) -> dict[str, Any]:
        answer = self.call("GET", f"{LETTERS}/{letter_id}")
        assert answer.status == 200
        attributes: dict[str, Any] = answer.json()["data"]["attributes"]
        return attributes

    def wait_for(self, letter_id: str, status: str) -> dict[str, Any]:
        """The letter, once it is in that state."""
        wait_until(lambda: self.shown(letter_id)["status"] == status)
        return self.shown(letter_id)

    def kept(self) -> int:
        """How many letters it took, whoever asked for them."""
        with self.store.reading() as db:
            return int(
                db.execute("SELECT count(*) FROM accepted WHERE provider = 'pingen'").fetchone()[0]
            )


@contextmanager
def a_pingen(
    data_dir: Path, tracking_url: str = "http://127.0.0.1:9", **changes: Any
) -> Iterator[PingenWorld]:
    settings = replace(SETTINGS, data_dir=data_dir, tracking_url=tracking_url, **changes)
    store = Store(data_dir / "pingen.sqlite")
    book = faults.FaultBook(7, pingen.LANES)
    desk = pingen.Desk(settings, store, book)
    calls: list[str] = []
    postman = Postman(
        store,
        book,
        writers={pingen.PROVIDER: WebhookWriter(SECRET).write},
        tracking_url=tracking_url,
        queues={},
    )
    postman.start()
    serving = listening(_app(desk, calls), "127.0.0.1", 0, threads=THREADS)
    with serving as port, urllib3.PoolManager(retries=False) as http:
        url = f"http://127.0.0.1:{port}/pingen"
        yield PingenWorld(desk, book, store, url, http, calls)
    postman.stop()
    store.close()


@cache
def a_letter_pdf(
    lines: tuple[str, ...] = MINISTER,
    *,
    pages: int = 2,
    x: float = 24,
    y: float = 66,
    size: tuple[float, float] = (210, 297),
) -> bytes:
    """Blank pages, and an address that begins at `x` and `y` mm on the first."""
    width, height = size[0] * MM, size[1] * MM
    text = " ".join(f"({line}) Tj 0 -12 Td" for line in lines)
    written = f"BT /F1 10 Tf {x * MM} {height - y * MM} Td {text} ET"
    names = {"/Type": "/Font", "/Subtype": "/Type1", "/BaseFont": "/Helvetica"}
    font = pikepdf.Dictionary({name: pikepdf.Name(value) for name, value in names.items()})
    file = BytesIO()
    with pikepdf.new() as pdf:
        for number in range(pages):
            pdf.add_blank_page(page_size=(width, height))
            if number == 0:
                pdf.pages[0].Resources = pikepdf.Dictionary(Font=pikepdf.Dictionary(F1=font))
                pdf.pages[0].Contents = pdf.make_stream(written.encode())
        pdf.save(file, deterministic_id=True)
    return file.getvalue()


def _app(desk: pingen.Desk, calls: list[str]) -> Flask:
    app = Flask(__name__)
    app.register_blueprint(pingen.blueprint(desk))
    lock = threading.Lock()

    @app.before_request
    def note() -> None:
        with lock:
            calls.append(f"{request.method} {request.path}")

    return app
