"""No person gets into a log line or into a Sentry event."""

import io
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sentry_sdk
import structlog
from sentry_sdk.envelope import Envelope
from sentry_sdk.transport import Transport
from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError

from services.dispatch.actors import declare
from shared.broker import make_broker
from shared.logs import set_up_logs
from shared.queues import EMAILS, publish
from shared.settings import LogSettings
from shared.tables.intake import actions
from shared.worker import start_worker
from tests.dispatch.builders import World
from tests.personal import sealing

PEOPLE = ["Ana Beispiel", "ana@people.example", "My own words", "office@prosecutor.example"]
SENT: list[str] = []


class FakeTransport(Transport):
    """Keeps what would have left for Sentry."""

    def capture_envelope(self, envelope: Envelope) -> None:
        SENT.append(envelope.serialize().decode())


SETTINGS = LogSettings(sentry_dsn="http://key@127.0.0.1:9/1", log_json=True)


@pytest.fixture
def logs(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """What is logged; Sentry is on, and its events stay in SENT."""
    SENT.clear()
    init = sentry_sdk.init
    monkeypatch.setattr(sentry_sdk, "init", lambda **more: init(transport=FakeTransport, **more))
    stream = io.StringIO()
    set_up_logs(SETTINGS, service="dispatch", stream=stream)
    yield stream
    sentry_sdk.get_client().close()
    init()
    structlog.reset_defaults()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with World.on(f"sqlite:///{tmp_path / 'writ.db'}", tmp_path) as made:
        yield made


def named(text: str) -> list[str]:
    return [one for one in PEOPLE if one in text]


def test_a_log_line_is_fields(logs: io.StringIO) -> None:
    structlog.get_logger().info("attempted", delivery_id="d-1", seconds=0.4)

    line = json.loads(logs.getvalue())
    assert (line["event"], line["delivery_id"], line["service"]) == ("attempted", "d-1", "dispatch")
    assert line["timestamp"].endswith("Z")


def test_a_delivery_that_went_well_or_badly_names_nobody(logs: io.StringIO, world: World) -> None:
    world.emails.script = [KeyError(PEOPLE[0])]
    ids = [world.a_delivery(words="My own words"), world.a_delivery(recipient="nobody")]

    world.deliver(*ids)

    assert logs.getvalue().count("\n") == 2
    assert named(logs.getvalue()) == []


def test_an_error_in_a_worker_reaches_sentry_without_people(
    logs: io.StringIO, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(due: Any, now: Any) -> None:
        row = {"id": due.id, "supporter_name": due.supporter_name, "words": due.words}
        with world.database.begin() as connection:
            connection.execute(insert(actions), [sealing(actions, row)])

    desk = world.desk()
    monkeypatch.setattr(desk.preparer, "prepare", breaks)
    broker = make_broker("stub://")
    declare(broker, desk)
    worker = start_worker(broker, queues=[EMAILS.queue], threads=1)
    publish(broker, EMAILS, [world.a_delivery(words="My own words")])
    with pytest.raises(IntegrityError):
        broker.join(EMAILS.queue, timeout=20_000)
    worker.stop()
    broker.close()

    assert any("IntegrityError" in one or "StatementError" in one for one in SENT)
    assert [named(one) for one in SENT if named(one)] == []
    assert named(logs.getvalue()) == []


def test_what_libraries_say_has_the_same_form() -> None:
    program = """
import logging, sys
from shared.logs import set_up_logs
from shared.settings import LogSettings
set_up_logs(LogSettings(sentry_dsn="", log_json=True), service="dispatch", stream=sys.stdout)
logging.getLogger("dramatiq.worker").error("Failed: %s", "m-1", exc_info=ValueError("why"))
"""
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    line = json.loads(ran.stdout)
    assert (line["event"], line["level"], line["service"]) == ("Failed: m-1", "error", "dispatch")
    assert "ValueError: why" in line["exception"]
    assert line["timestamp"].endswith("Z")
