"""A sandbox on a real socket, a listener in tracking's place, and builders for what is sent."""

import base64
import hashlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from typing import Any

import boto3
import pikepdf
import urllib3
from botocore.config import Config
from mypy_boto3_sesv2 import SESV2Client
from mypy_boto3_sesv2.type_defs import SendEmailRequestTypeDef

from services.sandbox.app import Sandbox
from services.sandbox.settings import SandboxSettings
from services.sandbox.wire import THREADS
from shared.wsgi import listening

API_KEY = "print-key"
SECRET = "print-secret"

ONCE = Config(
    retries={"total_max_attempts": 1, "mode": "standard"}, read_timeout=1, connect_timeout=1
)
SETTINGS = SandboxSettings(
    data_dir=Path("none"),
    tracking_url="http://127.0.0.1:9",
    api_key=API_KEY,
    webhook_secret=SECRET,
    seed=7,
    lifelike=False,
    receipt_delay_s=(0.01, 0.02),
)


@dataclass(frozen=True, slots=True)
class Got:
    """One post that reached the listener."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def envelope(self) -> dict[str, Any]:
        read: dict[str, Any] = json.loads(self.body)
        return read

    @property
    def event(self) -> dict[str, Any]:
        read: dict[str, Any] = json.loads(self.envelope["Message"])
        return read


@dataclass(slots=True)
class Listener:
    """Stands where tracking stands; answers `status`."""

    got: list[Got] = field(default_factory=list)
    status: int = 204
    url: str = ""

    def wait_for(self, count: int) -> list[Got]:
        """The posts so far, once there are `count`; then none may come on top."""
        wait_until(lambda: len(self.got) >= count)
        time.sleep(0.1)
        assert len(self.got) == count, [got.body for got in self.got]
        return self.got


@contextmanager
def a_listener() -> Iterator[Listener]:
    listener = Listener()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            listener.got.append(Got(self.path, dict(self.headers), body))
            self.send_response(listener.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        listener.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield listener
        server.shutdown()
        thread.join()


@dataclass(slots=True)
class World:
    """A running sandbox, seen from outside."""

    sandbox: Sandbox
    url: str
    http: urllib3.PoolManager
    ses: SESV2Client

    def call(self, method: str, path: str, body: object = None, **headers: str) -> Any:
        """The JSON that a call answers, which must be 2xx."""
        answer = self.http.request(method, self.url + path, json=body, headers=headers)
        assert 200 <= answer.status < 300, answer.data
        return answer.json()

    def send(self, **changes: Any) -> str:
        return self.ses.send_email(**an_email(**changes))["MessageId"]

    def order(self, key: str, **changes: Any) -> urllib3.BaseHTTPResponse:
        return self.http.request(
            "POST",
            f"{self.url}/print/v1/orders",
            json=an_order(**changes),
            headers={"Authorization": f"Bearer {API_KEY}", "Idempotency-Key": key},
        )

    def counts(self) -> dict[str, int]:
        counts: dict[str, int] = self.call("GET", "/sandbox/counts")
        return counts

    def faults(self, **faults: object) -> None:
        self.call("PUT", "/sandbox/faults", faults)


@contextmanager
def a_world(data_dir: Path, tracking_url: str, **changes: Any) -> Iterator[World]:
    settings = replace(SETTINGS, data_dir=data_dir, tracking_url=tracking_url, **changes)
    sandbox = Sandbox(settings)
    sandbox.start()
    serving = listening(sandbox.app, "127.0.0.1", 0, threads=THREADS)
    with serving as port, urllib3.PoolManager(retries=False) as http:
        url = f"http://127.0.0.1:{port}"
        ses = boto3.client(
            "sesv2",
            endpoint_url=url,
            region_name="eu-west-1",
            aws_access_key_id="any",
            aws_secret_access_key="any",
            config=ONCE,
        )
        yield World(sandbox, url, http, ses)
        ses.close()
    sandbox.stop()


def an_email(
    *, to: str = "office@ministry.example", delivery_id: str = "delivery-1", **changes: Any
) -> SendEmailRequestTypeDef:
    email: SendEmailRequestTypeDef = {
        "FromEmailAddress": "A supporter <w4r@letters.example>",
        "Destination": {"ToAddresses": [to]},
        "ReplyToAddresses": ["supporter@post.example"],
        "Content": {
            "Simple": {
                "Subject": {"Data": "Free the teacher — now", "Charset": "UTF-8"},
                "Body": {"Text": {"Data": "I ask you …", "Charset": "UTF-8"}},
                "Headers": [{"Name": "X-Case", "Value": "case-1"}],
            }
        },
        "EmailTags": [{"Name": "delivery_id", "Value": delivery_id}],
        "ConfigurationSetName": "writ",
    }
    email.update(changes)  # type: ignore[typeddict-item]
    return email


def a_pdf(pages: int = 2) -> bytes:
    file = BytesIO()
    with pikepdf.new() as pdf:
        for _ in range(pages):
            pdf.add_blank_page(page_size=(595, 842))
        pdf.save(file, deterministic_id=True)
    return file.getvalue()


def an_order(**changes: Any) -> dict[str, Any]:
    pdf = changes.pop("pdf", None) or a_pdf()
    return {
        "reference": "delivery-1",
        "format": "A4",
        "colour": False,
        "duplex": True,
        "service_class": "standard",
        "pages": 2,
        "pdf_base64": base64.b64encode(pdf).decode(),
        "sha256": hashlib.sha256(pdf).hexdigest(),
        "address": {"lines": ["The Minister", "1 Main Street"], "country": "NO"},
    } | changes


def wait_until(true: Callable[[], bool], seconds: float = 5.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)
