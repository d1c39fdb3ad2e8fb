"""The campaign tool waits before it repeats, and repeats with the same key."""

import itertools
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from services.cli.campaign_tool import CampaignTool
from tests.servers import free_port


@dataclass
class Intake:
    """Answers what is scripted, then 202; remembers when it was asked, with which key."""

    script: list[tuple[int, dict[str, str]]]
    asked: list[tuple[float, str]] = field(default_factory=list)
    url: str = ""

    @property
    def pauses(self) -> list[float]:
        moments = [at for at, _ in self.asked]
        return [after - before for before, after in itertools.pairwise(moments)]


@contextmanager
def an_intake(*script: tuple[int, dict[str, str]]) -> Iterator[Intake]:
    intake = Intake(list(script))

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            intake.asked.append((time.monotonic(), self.headers["Idempotency-Key"]))
            status, headers = intake.script.pop(0) if intake.script else (202, {})
            body = b'{"id": "an-id"}'
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        intake.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield intake
        server.shutdown()
        thread.join()


def test_it_waits_as_long_as_it_is_asked_to() -> None:
    with an_intake((429, {"Retry-After": "1"})) as intake:
        done = CampaignTool(intake.url, "key", run="r").submit([{}])

    assert done.accepted == ["an-id"]
    assert intake.pauses[0] >= 1


@pytest.mark.parametrize("status", [409, 500, 503])
def test_it_waits_longer_each_time_and_keeps_its_key(status: int) -> None:
    with an_intake((status, {}), (status, {}), (status, {})) as intake:
        done = CampaignTool(intake.url, "key", run="r").submit([{}])

    assert done.accepted == ["an-id"]
    assert {key for _, key in intake.asked} == {"r-0"}
    assert intake.pauses[2] > intake.pauses[1] > 0.1


def test_what_is_refused_is_not_repeated() -> None:
    with an_intake((422, {})) as intake:
        done = CampaignTool(intake.url, "key", run="r").submit([{}])

    assert (done.rejected, done.accepted, len(intake.asked)) == (1, [], 1)


def test_it_gives_up_some_day() -> None:
    tool = CampaignTool(f"http://127.0.0.1:{free_port()}", "key", run="r", tries=2)

    assert tool.submit([{}]).unanswered == 1
