"""A print house for tests: its form, letters for it, and a line to it that breaks where told."""

import socket
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any, TypeVar

import pikepdf

from services.dispatch.providers.batches.house import House, read_house
from services.dispatch.providers.batches.send import BatchSender
from services.dispatch.providers.batches.tray import Tray
from services.dispatch.providers.contract import Letter
from services.dispatch.providers.sftp_manifest import FOLDER, SftpManifest
from services.sandbox.print_house import PrintHouse
from shared.clock import new_id
from shared.sftp import Line, LineLost, Partner, open_line
from tests.dispatch.builders import NOON, FakeClock
from tests.servers import PrivateSshd

FORM = Path(__file__).parents[3] / "deploy/print-house.toml"
AT_THE_CUT_OFF = NOON.replace(hour=15, minute=30)  # 17:30 in Berlin, on a Monday

_Answer = TypeVar("_Answer")


def a_house(**changes: Any) -> House:
    """The form of deploy/print-house.toml; `changes` are of its [batches]."""
    house = read_house(FORM)
    return house.model_copy(update={"batches": house.batches.model_copy(update=changes)})


def a_letter(*, pages: int = 1, **changes: Any) -> Letter:
    told: dict[str, Any] = {
        "delivery_id": new_id(),
        "idempotency_key": "key-1",
        "pdf": a_pdf(pages),
        "pages": pages,
        "lines": ("Prosecutor General", "1 Street", "BELARUS"),
        "country": "BY",
    }
    return Letter(**(told | changes))


@cache
def a_pdf(pages: int) -> bytes:
    made, content = pikepdf.new(), BytesIO()
    for _ in range(pages):
        made.add_blank_page(page_size=(595, 842))
    made.save(content)
    return content.getvalue()


def a_provider(
    data_dir: Path, house: House | None = None, clock: FakeClock | None = None
) -> SftpManifest:
    return SftpManifest(data_dir, house or a_house(), clock=clock or FakeClock())


@dataclass
class Breaks:
    """A line that is lost at one of its calls, before or after that is done."""

    at: int
    after: bool
    calls: int = field(default=0)


class FrailLine(Line):
    """A real line that breaks once."""

    breaks: Breaks

    def _ask(self, what: Coroutine[Any, Any, _Answer], longest_s: float = 0) -> _Answer:
        breaks = self.breaks
        breaks.calls += 1
        if breaks.calls == breaks.at and not breaks.after:
            what.close()
            raise LineLost("before")
        answer = super()._ask(what, longest_s)
        if breaks.calls == breaks.at:
            raise LineLost("after")
        return answer


@contextmanager
def open_frail(partner: Partner, breaks: Breaks) -> Iterator[Line]:
    with open_line(partner) as line:
        line.__class__ = FrailLine
        assert isinstance(line, FrailLine)
        line.breaks = breaks
        yield line


@contextmanager
def cut_after(sent_bytes: int, port: int) -> Iterator[int]:
    """A port before `port`, whose first connection ends when so much has come in by it."""
    with socket.create_server(("127.0.0.1", 0)) as server, ThreadPoolExecutor(3) as threads:

        def carry() -> None:
            near, far = server.accept()[0], socket.create_connection(("127.0.0.1", port))
            with near, far:
                back = threads.submit(_pour, far, near, 2**30)
                _pour(near, far, sent_bytes)
                for end in (near, far):
                    with suppress(OSError):
                        end.shutdown(socket.SHUT_RDWR)
                back.result()

        done = threads.submit(carry)
        yield server.getsockname()[1]
        done.result()


def _pour(source: socket.socket, target: socket.socket, most_bytes: int) -> None:
    with suppress(OSError):
        while most_bytes > 0 and (some := source.recv(min(4096, most_bytes))):
            most_bytes -= len(some)
            target.sendall(some)


@dataclass
class Road:
    """Our disk, the way, and the house at its end."""

    data_dir: Path
    sshd: PrivateSshd
    house: PrintHouse
    form: House
    folder: str  # the house's, on the server

    def provider(self) -> SftpManifest:
        return a_provider(self.data_dir, self.form)

    def sender(self, breaks: Breaks | None = None) -> BatchSender:
        return BatchSender(
            tray=Tray(self.data_dir / FOLDER, self.form),
            house=self.form,
            open_line=lambda: open_frail(self.sshd.partner, breaks or Breaks(0, after=False)),
        )

    def sender_to(self, partner: Partner) -> BatchSender:
        return replace(self.sender(), open_line=lambda: open_line(partner))


def a_road(sshd: PrivateSshd, data_dir: Path, **changes: Any) -> Road:
    """With a house of its own on the server."""
    folder = new_id().hex
    root = sshd.folder(folder)
    for name in ("in", "out", "out/taken"):
        sshd.folder(f"{folder}/{name}")
    form = a_house(folder=f"{folder}/in", **changes)
    return Road(data_dir, sshd, PrintHouse(root), form, folder)
