"""`writ keys rotate`, `writ erase` and `writ retention`: what operators see, are asked, and get."""

import base64
import datetime as dt
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import insert, select

from services.cli.main import writ
from services.intake.identity import canonical_email, handle
from services.intake.leave_out import left_out
from shared.clock import new_id, now
from shared.database import Database
from shared.migrate import migrate
from shared.privacy import Keyring, identity
from shared.tables.intake import actions, api_clients, audit_log, catalogue_entries
from shared.tables.writing_events import imports
from tests.intake.builders import a_campaign
from tests.personal import sealing

IDENTITY_KEY = b"i" * 32
OLD, NEW = Keyring.new_key("old"), Keyring.new_key("new")
ANA = "ana@people.example"


class Writ:
    """The command, on a database of its own."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.url = f"sqlite:///{folder / 'writ.db'}"
        self._set = monkeypatch.setenv
        self._set("WRIT_ENVIRONMENT", "development")
        self._set("WRIT_DATABASE_URL", self.url)
        self._set("WRIT_IDENTITY_KEY", base64.b64encode(IDENTITY_KEY).decode())
        self.keys(OLD)

    def keys(self, *keys: str) -> None:
        """From now on, the first of these seals."""
        self._set("WRIT_PRIVACY_KEYS", ",".join(keys))
        self.database = Database(self.url, Keyring.parse(",".join(keys)))

    def __call__(self, *words: str, answer: str = "") -> Result:
        return CliRunner().invoke(writ, words, input=answer)

    def an_action(self, email: str = ANA, **changes: Any) -> None:
        row = {"id": new_id(), "client_id": CLIENT, "mode": "live", "campaign": "letters-2026"}
        row |= {"case": "mikita", "kind": "appeal", "channel": "email", "language": "en"}
        row |= {"standing": "clear", "recipients": [], "supporter_ref": "a" * 26, "consent": {}}
        row |= {"supporter_identity": identity(IDENTITY_KEY, f"email:{canonical_email(email)}")}
        row |= {"supporter_name": "Ana Beispiel", "occurred_at": now(), "accepted_at": now()}
        with self.database.begin() as connection:
            connection.execute(insert(actions), [sealing(actions, row | changes)])

    def a_file(self) -> None:
        """One that was handed in and is not over."""
        row = {"id": FILE, "client_id": CLIENT, "mode": "live", "sha256": b"", "size": 1}
        row |= {"form": "csv", "mapping": {}, "defaults": {}, "state": "ready", "created_at": now()}
        row |= dict.fromkeys(("bad", "done", "accepted", "duplicates"), 0)
        with self.database.begin() as connection:
            connection.execute(insert(imports), [row])

    def left_out(self) -> Mapping[str, bool]:
        with self.database.read() as connection:
            return left_out(connection, FILE)

    def names(self) -> list[str | None]:
        with self.database.read() as connection:
            columns = (actions.c.id, actions.c.supporter_name)
            rows = connection.execute(select(*columns).order_by(actions.c.seq))
            return [row.supporter_name and row.supporter_name.open(row.id) for row in rows]

    def acts(self) -> list[Any]:
        with self.database.read() as connection:
            return [*connection.execute(select(audit_log))]


CLIENT, FILE = new_id(), new_id()
PERSON = identity(IDENTITY_KEY, f"email:{ANA}")


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Writ:
    made = Writ(tmp_path, monkeypatch)
    migrate(made.database)
    row = {"id": CLIENT, "name": "Letters [red]tool", "mode": "live", "scopes": []}
    row |= {"rate_per_s": 0, "daily_actions": 0, "created_at": now()}
    campaign = a_campaign(retention_days=30).model_dump(mode="json")
    entry = {"type": "campaign", "key": "letters-2026", "version": 1, "pack": "p", "digest": "d"}
    with made.database.begin() as connection:
        connection.execute(insert(api_clients), [row])
        told = entry | {"document": campaign, "current": True}
        connection.execute(insert(catalogue_entries), [told])
    return made


class TestRotate:
    def test_everything_is_sealed_with_the_first_key(self, command: Writ) -> None:
        command.an_action()
        command.keys(NEW, OLD)
        command.an_action()

        done = command("keys", "rotate")

        assert done.exit_code == 0
        assert "2 values; 1 of them were sealed again just now." in done.stdout
        assert "Nothing needs old any more: remove it from WRIT_PRIVACY_KEYS" in done.stdout
        command.keys(NEW)
        assert command.names() == ["Ana Beispiel"] * 2

    def test_a_dry_run_only_counts(self, command: Writ) -> None:
        command.an_action()
        command.keys(NEW, OLD)

        done = command("keys", "rotate", "--dry-run")

        assert done.exit_code == 0
        assert "1 are still as the key old has sealed them." in done.stdout
        assert "Nothing needs old" not in done.stdout
        command.keys(OLD)
        assert command.names() == ["Ana Beispiel"]

    def test_a_value_whose_key_is_lost_is_said(self, command: Writ) -> None:
        command.an_action()
        command.keys(NEW)

        done = command("keys", "rotate")

        assert done.exit_code == 1
        assert "1 are still as a key that WRIT_PRIVACY_KEYS lacks has sealed" in done.stdout

    def test_machines_read_json(self, command: Writ) -> None:
        command.an_action()
        command.keys(NEW, OLD)

        done = command("keys", "rotate", "--json")

        assert json.loads(done.stdout.splitlines()[-1]) == {
            "key": "new",
            "values": 1,
            "resealed": 1,
            "no_key_opens": 0,
            "due": {},
            "removable": ["old"],
        }


class TestErase:
    def test_it_shows_asks_and_erases(self, command: Writ) -> None:
        command.an_action()
        command.an_action("ben@people.example")

        done = command("erase", "--email", "Ana+news@people.example", answer="y\n")

        assert done.exit_code == 0
        assert "Letters [red]tool" in done.stdout
        assert "1 actions erased" in done.stdout
        assert command.names() == [None, "Ana Beispiel"]
        assert [(one.act, one.number) for one in command.acts()] == [("supporter_erased", 1)]
        assert command.acts()[0].actor.startswith("operator ")

    def test_no_is_an_answer(self, command: Writ) -> None:
        command.an_action()

        done = command("erase", "--email", ANA, answer="n\n")

        assert done.exit_code == 1
        assert command.names() == ["Ana Beispiel"]

    def test_an_address_may_be_typed_where_no_shell_keeps_it(self, command: Writ) -> None:
        command.an_action()

        done = command("erase", "--yes", "--email", answer=f"{ANA}\n")

        assert command.names() == [None]
        assert ANA not in done.output

    def test_a_ref_reaches_the_person_at_every_client(self, command: Writ) -> None:
        command.an_action()
        command.an_action(client_id=new_id(), supporter_ref="b" * 26)

        assert command("erase", "--yes", "--ref", "b" * 26).exit_code == 0
        assert command.names() == [None, None]

    def test_nobody_is_nobody(self, command: Writ) -> None:
        done = command("erase", "--email", "nobody@people.example")

        assert (done.exit_code, done.stdout) == (0, "There is nothing to erase.\n")

    @pytest.mark.parametrize("stored", [True, False])
    def test_files_that_are_not_over_leave_the_person_out(
        self, command: Writ, stored: bool
    ) -> None:
        command.a_file()
        if stored:
            command.an_action()

        done = command("erase", "--email", ANA, answer="y\n")

        said = " ".join(done.stdout.split())
        assert "Rows are left out of files that are not over yet: 1" in said
        assert ("No action of this supporter is stored." in said) is not stored
        assert command.left_out() == {handle(IDENTITY_KEY, CLIENT, PERSON): False}
        assert [one.number for one in command.acts()] == [int(stored)]

    @pytest.mark.parametrize(
        "words", [[], ["--email", ANA, "--ref", "a" * 26], ["--email", "secret-nonsense"]]
    )
    def test_what_cannot_be_meant_is_refused(self, command: Writ, words: list[str]) -> None:
        done = command("erase", *words)

        assert done.exit_code == 2
        assert "secret" not in done.output


class TestRetention:
    def test_a_dry_run_shows_what_would_go(self, command: Writ) -> None:
        command.an_action(accepted_at=now() - dt.timedelta(days=31))
        command.an_action(accepted_at=now() - dt.timedelta(days=29))

        done = command("retention", "--dry-run")

        assert done.stdout.splitlines() == [
            "letters-2026: 1 actions were accepted over 30 days ago",
            "1 actions would be erased",
        ]
        assert command.names() == ["Ana Beispiel"] * 2

    def test_it_goes(self, command: Writ) -> None:
        command.an_action(accepted_at=now() - dt.timedelta(days=31))

        done = command("retention", "--json")

        said = [json.loads(line) for line in done.stdout.splitlines()]
        assert said == [
            {"campaign": "letters-2026", "older_than_days": 30, "due": 1},
            {"erased": 1},
        ]
        assert command.names() == [None]
