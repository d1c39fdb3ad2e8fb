"""The whole road of what came back: bounced, the pack mended, sent again, delivered elsewhere."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import urllib3

from services.cli.embedded import Running, embedded
from services.intake.clients.manage import create_client
from services.intake.packs.load import load_entries
from shared.api_keys import Mode, Scope
from shared.catalogue import Catalogue
from tests.cli.test_addresses import everything
from tests.dispatch.entries import a_catalogue, a_mailbox, a_recipient
from tests.servers import free_port

PATIENCE_S = 60
GONE, NEW = "bounce@prosecutor.example", "success@prosecutor.example"


def an_office(email: str) -> Catalogue:
    return a_catalogue(a_recipient(mailboxes=(a_mailbox(email=email),)))


class Tool:
    """A campaign tool, with a key that sends."""

    def __init__(self, writ: Running) -> None:
        scopes = [Scope.SUBMIT, Scope.READ]
        client = create_client(writ.database, "a tool", mode=Mode.LIVE, scopes=scopes)
        self._url = writ.api_url
        self._http = urllib3.PoolManager(headers={"Authorization": f"Bearer {client.key}"})

    def post(self, path: str, body: dict[str, Any]) -> Any:
        answer = self._http.request("POST", self._url + path, json=body)
        assert answer.status == 202, answer.data
        return answer.json()

    def get(self, path: str) -> Any:
        return self._http.request("GET", self._url + path).json()


def until(look: Callable[[], Any]) -> Any:
    end = time.monotonic() + PATIENCE_S
    while not (found := look()):
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.1)
    return found


@pytest.mark.slow
def test_what_bounced_arrives_at_the_corrected_address(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "sandbox")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "sandbox")
    names = ("WRIT_INTAKE_PORT", "WRIT_TRACKING_PORT", "WRIT_SANDBOX_PORT")
    ports = {name: str(free_port()) for name in names}

    with embedded({"WRIT_DATA_DIR": str(tmp_path), **ports}) as writ:
        load_entries(writ.database, "letters", everything(an_office(GONE)))
        tool = Tool(writ)
        supporter = {"name": "Ana Example", "country": "PT"}
        sent = {"case": "mikita", "channel": "email", "supporter": supporter}
        action = tool.post("/v1/actions", sent)["id"]
        [bounced] = until(lambda: tool.get("/v1/deliveries?state=bounced")["data"])

        load_entries(writ.database, "letters", everything(an_office(NEW)))
        asked = f"/v1/deliveries/{bounced['id']}/resend"
        why = {"why": "the pack has its new address"}
        again = until(lambda: tool.post(asked, why)["again_as"])
        until(lambda: tool.get(f"/v1/deliveries/{again}")["state"] == "delivered")

        moments = tool.get(f"/v1/actions/{action}/timeline")["moments"]
        taken = urllib3.request("GET", f"{writ.sandbox_url}/sandbox/emails").json()["emails"]

    assert [(one["delivery_id"], one["to"], one["copies"]) for one in taken] == [
        (bounced["id"], [GONE], 1),
        (again, [NEW], 1),
    ]
    told = [(one["word"], one["delivery"]) for one in moments]
    assert told.index(("bounced", bounced["id"])) < told.index(("planned", again))
    assert ("command_resend", bounced["id"]) in told
    assert told[-1] == ("delivered", again)
