"""Nowhere takes everything, says the same each time, and opens no line."""

import socket
import threading
from typing import Any

import pytest

from services.dispatch.prepare import Preparer
from services.dispatch.providers.contract import Email, Letter
from services.dispatch.providers.dry_run import DryRun
from services.dispatch.routing import make_route
from tests.dispatch.builders import NOON, FakePress, FakeProvider, a_due
from tests.dispatch.entries import a_catalogue


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    connect = socket.socket.connect

    def refuse(line: socket.socket, address: Any) -> None:
        # The private servers are started by other threads meanwhile.
        assert threading.current_thread() is not threading.main_thread(), "somebody opened a line"
        connect(line, address)

    monkeypatch.setattr(socket.socket, "connect", refuse)


@pytest.mark.usefixtures("no_network")
@pytest.mark.parametrize("channel", ["email", "letter"])
def test_everything_is_taken_and_nothing_is_sent(channel: str) -> None:
    due = a_due(mode="test", channel=channel)
    handover = Preparer(a_catalogue, FakePress()).prepare(due, NOON).handover
    nowhere = DryRun()

    taken = nowhere.send(handover) if isinstance(handover, Email) else nowhere.order(handover)

    assert taken.provider_id == f"dry-{due.id}"
    assert taken.price_minor is None
    assert nowhere.find(due.id) == taken
    assert isinstance(handover, Email | Letter)


@pytest.mark.parametrize(("mode", "name"), [("live", "ses"), ("test", "dry_run")])
def test_test_mode_goes_nowhere(mode: str, name: str) -> None:
    route = make_route({"email": FakeProvider("ses")})

    assert route(a_due(mode=mode)).name == name
