"""`writ addresses`: what is stopped, what could be done, and the commands that people give."""

import datetime as dt
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from sqlalchemy import Row, insert, select

from services.dispatch.obey import obey
from services.intake.packs.load import load_entries
from shared.catalogue import Catalogue, Entry
from shared.catalogue_reader import CatalogueReader
from shared.clock import new_id
from shared.database import Database
from shared.tables.dispatch import deliveries
from shared.tables.pacing import mailbox_key, paces, stops
from shared.tables.tracking import commands
from tests.dispatch.builders import NOON, a_delivery_row
from tests.dispatch.entries import a_catalogue, a_mailbox, a_recipient

KEY = mailbox_key("office@prosecutor.example")
Terminal = Callable[..., Result]


def everything(catalogue: Catalogue) -> list[Entry]:
    return [
        *catalogue.campaigns.values(),
        *catalogue.cases.values(),
        *catalogue.recipients.values(),
        *catalogue.templates.values(),
    ]


@pytest.fixture
def campaign(database: Database) -> Database:
    """With a catalogue, a stopped mailbox and one delivery that waits for it."""
    load_entries(database, "letters", everything(a_catalogue()))
    with database.begin() as connection:
        a_stop(connection, KEY)
        reason = "The address is stopped. It is gone."
        connection.execute(
            insert(deliveries).values(a_delivery_row(mailbox=KEY, held_reason=reason))
        )
    return database


def a_stop(connection: Any, key: str, **changes: Any) -> None:
    row = {
        "id": new_id(),
        "key": key,
        "why": "hard_bounce",
        "detail": "It is gone.",
        "stopped_at": NOON,
        "stopped_by": "tracking",
    } | changes
    connection.execute(insert(stops).values(row))


def given(database: Database) -> Sequence[Row[Any]]:
    with database.read() as connection:
        return connection.execute(select(commands)).all()


def obeyed(database: Database) -> None:
    with database.begin() as connection:
        obey(connection, CatalogueReader(database).current(), NOON + dt.timedelta(hours=1))


def test_nothing_is_stopped_at_first(terminal: Terminal) -> None:
    assert terminal("addresses").output == "No address is stopped.\n"


def test_the_list_tells_why_since_when_and_what_to_do(
    campaign: Database, terminal: Terminal
) -> None:
    with campaign.begin() as connection:
        a_stop(connection, "recipient:minister", why="complaint", detail="Marked as spam.")
        row = {"key": "@x.example", "domain": "x.example", "refused": 3, "free_at": NOON}
        stopped = {"stopped_at": NOON, "stopped_why": "x.example refused 3 emails."}
        connection.execute(insert(paces).values(row | stopped))

    said = terminal("addresses", columns=100).output

    assert KEY[:12] in said
    assert "hard bounce: It is gone." in said
    assert "2026-06-01 12:00 UTC, by tracking" in said
    assert "1 deliveries" in said
    assert "A letter could go instead." in said
    assert "recipient:minister" in said
    assert "x.example refused 3 emails." in said
    assert "@prosecutor" not in said


@pytest.mark.parametrize("whom", [KEY, KEY[:12], "prosecutor"])
def test_a_person_lifts_a_stop_and_says_why(
    whom: str, campaign: Database, terminal: Terminal
) -> None:
    done = terminal("addresses", "lift", whom, "--why", "they mended it")

    [command] = given(campaign)
    assert done.exit_code == 0
    assert (command.verb, command.arguments) == ("lift", {"key": KEY})
    assert (command.given_by, command.why) == ("operator ada", "they mended it")
    obeyed(campaign)
    assert terminal("addresses").output == "No address is stopped.\n"


@pytest.mark.parametrize("whom", ["minister", KEY[:11], "office@prosecutor.example", ""])
def test_what_is_not_stopped_cannot_be_lifted(
    whom: str, campaign: Database, terminal: Terminal
) -> None:
    done = terminal("addresses", "lift", whom, "--why", "x")

    assert done.exit_code == 1
    assert "nothing is stopped that is called" in done.output
    assert not given(campaign)


def test_a_person_stops_a_recipient(campaign: Database, terminal: Terminal) -> None:
    assert terminal("addresses", "stop", "prosecutor", "--why", "said yes").exit_code == 0
    obeyed(campaign)

    said = terminal("addresses", columns=100).output
    assert "recipient:prosecutor" in said
    assert "person: said yes" in said
    assert terminal("addresses", "stop", "nobody", "--why", "x").exit_code == 1


def a_pack(folder: Path, monkeypatch: pytest.MonkeyPatch, *changed: Entry) -> None:
    """A pack that reads as this catalogue."""

    class Pack:
        entries = everything(a_catalogue(*changed))

    folder.mkdir()
    monkeypatch.setattr("services.cli.addresses.read_pack", lambda _: Pack)


def test_a_preview_tells_what_a_pack_would_change(
    campaign: Database, terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    new = a_recipient(mailboxes=(a_mailbox(email="new@prosecutor.example"),))
    a_pack(tmp_path / "pack", monkeypatch, new)

    said = terminal("addresses", "preview", str(tmp_path / "pack"), columns=100).output

    assert "new@prosecutor.example" in said
    assert "1" in said
    assert not given(campaign)
    with campaign.read() as connection:
        held = connection.scalar(select(deliveries.c.held_reason))
    assert held is not None


def test_a_pack_that_corrects_nothing_says_so(
    campaign: Database, terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_pack(tmp_path / "pack", monkeypatch)

    said = terminal("addresses", "preview", str(tmp_path / "pack")).output

    assert said == "Nothing that is held would go elsewhere.\n"
    assert not given(campaign)


def test_letters_are_counted_before_anybody_pays(campaign: Database, terminal: Terminal) -> None:
    shown = terminal("addresses", "letter", "prosecutor", "--preview")
    refused = terminal("addresses", "letter", "prosecutor", answers="n\n")

    assert "mikita" in shown.output
    assert "Have 1 letters printed?" in refused.output
    assert not given(campaign)


def test_what_is_held_goes_on_paper(campaign: Database, terminal: Terminal) -> None:
    assert terminal("addresses", "letter", "prosecutor", "--yes").exit_code == 0
    obeyed(campaign)

    with campaign.read() as connection:
        row = connection.execute(select(deliveries)).one()
    assert (row.channel, row.held_reason, row.mailbox) == ("letter", None, None)
    assert "may go as a letter" in terminal("addresses", "letter", "prosecutor", "--yes").output


def test_a_domain_goes_on_when_a_person_says_so(campaign: Database, terminal: Terminal) -> None:
    terminal("addresses", "resume", "X.example", "--why", "they unblocked us")

    [command] = given(campaign)
    assert (command.verb, command.arguments) == ("resume", {"domain": "x.example"})
