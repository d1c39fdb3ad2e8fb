"""Lob as the sandbox plays it, on a real socket; and PDFs as Lob wants them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import Any

import pikepdf
from flask import Flask

from services.sandbox import faults, lob
from services.sandbox.faults import Fault, Faults
from services.sandbox.lob_mail import Piece
from services.sandbox.postman import Postman
from services.sandbox.store import Store
from services.sandbox.wire import THREADS
from shared.wsgi import listening
from tests.sandbox.world import SETTINGS

SHEET, CARD = (612, 792), (450, 306)  # points


@dataclass(frozen=True, slots=True)
class LobWorld:
    """Seen from outside, with a look into what was really taken."""

    url: str
    store: Store
    book: faults.FaultBook

    def goes_wrong(self, kind: str, *, times: int = 1, lane: str = lob.PROVIDER) -> None:
        """A stall lasts longer than any client of these tests waits."""
        fault = Fault(kind=kind, next=times, seconds=30)
        self.book.put(Faults.model_validate({lane: [fault.model_dump()]}))

    def taken(self) -> list[Piece]:
        """All pieces, the cancelled ones too."""
        with self.store.reading() as db:
            rows = db.execute("SELECT facts FROM accepted WHERE provider = 'lob' ORDER BY seq")
            return [Piece.model_validate_json(facts) for (facts,) in rows]

    def addresses(self) -> int:
        with self.store.reading() as db:
            question = "SELECT count(*) FROM accepted WHERE provider = 'lob_addresses'"
            return int(db.execute(question).fetchone()[0])


@contextmanager
def a_lob(
    data_dir: Path, tracking_url: str = "", *, cancel_s: float = lob.CANCEL_S, **changes: Any
) -> Iterator[LobWorld]:
    """Events are posted only where there is a `tracking_url`."""
    settings = replace(SETTINGS, data_dir=data_dir, tracking_url=tracking_url, **changes)
    store = Store(data_dir / "sandbox.sqlite")
    book = faults.FaultBook(settings.seed, lob.LANES)
    app = Flask("lob")
    app.register_blueprint(lob.blueprint(settings, store, book, cancel_s=cancel_s))
    writers = {lob.PROVIDER: lob.WebhookWriter(settings.webhook_secret).write}
    postman = Postman(store, book, writers=writers, tracking_url=tracking_url, queues={})
    if tracking_url:
        postman.start()
    with listening(app, "127.0.0.1", 0, threads=THREADS) as port:
        yield LobWorld(f"http://127.0.0.1:{port}/lob/v1", store, book)
    postman.stop()
    store.close()


def pages(number: int, size: tuple[int, int] = SHEET) -> bytes:
    file = BytesIO()
    with pikepdf.new() as pdf:
        for _ in range(number):
            pdf.add_blank_page(page_size=size)
        pdf.save(file, deterministic_id=True)
    return file.getvalue()
