"""A whole Writ asks a supporter first: nothing leaves before their own yes."""

import datetime as dt
import html
import re
import time
from collections.abc import Callable, Iterator
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import urllib3
from sqlalchemy import select

from services.cli.embedded import Running, embedded
from services.cli.environment import environment, secrets
from services.intake.clients.manage import NewClient, create_client
from services.intake.confirmation.confirm import Confirmations
from services.intake.confirmation.unconfirmed import Reminders, expire
from services.intake.packs.load import load_entries
from services.intake.packs.read import read_pack
from services.intake.settings import Settings
from shared.api_keys import Mode, Scope
from shared.catalogue import Campaign
from shared.clock import now
from shared.settings import Env
from shared.tables.intake import Standing, actions
from tests.servers import free_port

PACK = Path(__file__).parents[2] / "packs" / "write-for-rights-2021"
PATIENCE_S = 30
CASE, OFFICE = "zhang-zhan", "cn-president"


@pytest.fixture
def overrides(tmp_path: Path) -> dict[str, str]:
    ports = ("WRIT_INTAKE_PORT", "WRIT_TRACKING_PORT", "WRIT_SANDBOX_PORT")
    return {"WRIT_DATA_DIR": str(tmp_path)} | {name: str(free_port()) for name in ports}


@pytest.fixture
def writ(overrides: dict[str, str]) -> Iterator[Running]:
    """At work, with a campaign that asks every supporter for a confirmation."""
    with embedded(overrides) as running:
        entries = [
            one.model_copy(update={"confirmation": True}) if isinstance(one, Campaign) else one
            for one in read_pack(PACK).entries
        ]
        load_entries(running.database, PACK.name, entries)
        yield running


@pytest.fixture
def tool(writ: Running) -> NewClient:
    return create_client(writ.database, "a tool", mode=Mode.LIVE, scopes=tuple(Scope))


def test_nothing_leaves_before_the_supporters_own_yes(writ: Running, tool: NewClient) -> None:
    submitted(writ, tool, "ana@people.example")
    [question] = until(lambda: emails(writ))
    link = link_in(writ, question)

    shown = [urllib3.request("GET", link) for _ in range(2)]
    unopened = [one["to"] for one in emails(writ)]
    confirmed = answered(link, "yes")
    _, letter = until(lambda: at_least(2, emails(writ)))

    assert question["to"] == ["ana@people.example"]
    assert [one.status for one in shown] == [200, 200]
    assert unopened == [["ana@people.example"]]
    assert "Thank you. It is confirmed." in confirmed
    assert letter["to"] != question["to"]
    assert letter["delivery_id"] in recipients(writ, tool)[OFFICE]


def test_a_no_ends_it(writ: Running, tool: NewClient) -> None:
    action = submitted(writ, tool, "bo@people.example")
    [question] = until(lambda: emails(writ))

    link = link_in(writ, question)
    disowned = answered(link, "no")

    assert "You said that this was not you." in disowned
    assert standing(writ, action) == Standing.DISOWNED
    assert set(recipients(writ, tool)) == {"notice/confirm"}


def test_who_is_silent_is_reminded_once_and_then_let_go(
    writ: Running, tool: NewClient, overrides: dict[str, str], tmp_path: Path
) -> None:
    settings = Settings.from_env(Env(secrets(tmp_path) | environment(overrides)))
    confirmations = Confirmations(settings.identity_key, settings.public_url, now)
    reminders = Reminders(writ.database, confirmations)
    action = submitted(writ, tool, "cy@people.example")
    [question] = until(lambda: emails(writ))

    for hours in (25, 26):
        reminders.remind(now() + dt.timedelta(hours=hours))
    _, reminder = until(lambda: at_least(2, emails(writ)))
    expire(writ.database, now() + dt.timedelta(days=7))
    too_late = urllib3.request("GET", link_in(writ, reminder))

    assert reminder["to"] == question["to"] == ["cy@people.example"]
    assert link_in(writ, reminder) == link_in(writ, question)
    assert too_late.status == 410
    assert standing(writ, action) == Standing.EXPIRED
    assert set(recipients(writ, tool)) == {"notice/confirm", "notice/remind"}


def submitted(writ: Running, tool: NewClient, email: str) -> UUID:
    supporter = {"name": "A Supporter", "email": email, "country": "PT"}
    body = {"case": CASE, "channel": "email", "supporter": supporter}
    answer = urllib3.request("POST", f"{writ.api_url}/v1/actions", json=body, headers=auth(tool))
    assert answer.json()["status"] == "unconfirmed", answer.data
    return UUID(answer.json()["id"])


def emails(writ: Running) -> list[dict[str, Any]]:
    """What the sandbox took, in order."""
    taken: list[dict[str, Any]] = urllib3.request(
        "GET", f"{writ.sandbox_url}/sandbox/emails"
    ).json()["emails"]
    return taken


def link_in(writ: Running, taken: dict[str, Any]) -> str:
    """The link that stands in an email, as its reader would follow it."""
    [file] = writ.data_dir.glob(f"documents/**/{taken['delivery_id']}-1.eml")
    message = message_from_bytes(file.read_bytes(), policy=policy.default)
    text, rich = message.get_body(("plain",)), message.get_body(("html",))
    assert text is not None
    assert rich is not None
    [link] = [line for line in text.get_content().splitlines() if line.startswith("http")]
    [same] = re.findall(r'<a href="([^"]+)"', rich.get_content())
    assert html.unescape(same) == link
    return str(link)


def answered(link: str, answer: str) -> str:
    """The page that a supporter sees after pressing a button."""
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    shown = urllib3.request("POST", link, body=f"answer={answer}", headers=form)
    assert shown.status == 200
    return shown.data.decode()


def recipients(writ: Running, tool: NewClient) -> dict[str, list[str]]:
    """Whom the client's deliveries are for, as tracking tells it, and their ids."""
    url = f"{writ.console_url}/v1/deliveries"
    found = urllib3.request("GET", url, headers=auth(tool)).json()["data"]
    told: dict[str, list[str]] = {}
    for one in found:
        told.setdefault(one["recipient"]["slug"], []).append(one["id"])
    return told


def standing(writ: Running, action: UUID) -> str:
    with writ.database.read() as connection:
        return str(connection.scalar(select(actions.c.standing).where(actions.c.id == action)))


def auth(tool: NewClient) -> dict[str, str]:
    return {"Authorization": f"Bearer {tool.key}"}


def at_least(number: int, found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return found if len(found) >= number else []


def until(look: Callable[[], list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """What there is, once there is any."""
    end = time.monotonic() + PATIENCE_S
    while not (found := look()):
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.1)
    return found
