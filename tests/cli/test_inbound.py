"""`writ inbound` takes mail from a mailbox, and says what it was."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from sqlalchemy import func, select

from services.tracking.inbound import keep as keeping
from shared.database import Database
from shared.tables.replies import replies
from tests.cli.conftest import PRIVACY_KEY
from tests.tracking.builders import a_delivery
from tests.tracking.inbound.letters import a_bounce, a_mail, an_answer_to
from tests.tracking.inbound.test_keep import POISON, read_all_but_poison
from tests.tracking.inbound.test_maildir import drop, names

Terminal = Callable[..., Result]
WRIT = str(Path(sys.executable).with_name("writ"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("new", "cur", "tmp"):
        (tmp_path / "mail" / name).mkdir(parents=True)
    return tmp_path / "mail"


def kept(database: Database) -> int:
    with database.read() as connection:
        return connection.scalar(select(func.count()).select_from(replies)) or 0


def fill(database: Database, folder: Path) -> None:
    with database.begin() as connection:
        delivery = a_delivery(connection)
    drop(folder, an_answer_to(delivery), a_bounce(delivery), a_mail("Of nothing."))


def test_a_maildir_is_emptied_and_told_of(
    terminal: Terminal, database: Database, folder: Path
) -> None:
    fill(database, folder)

    done = terminal("inbound", str(folder))

    assert done.exit_code == 0, done.output
    assert "3 messages read, 0 of them known already." in done.output
    assert "2 answers" in done.output
    assert "1 bounce\n" in done.output
    assert "Without a delivery: 1" in done.output
    assert (len(names(folder, "new")), len(names(folder, "cur"))) == (0, 3)
    assert kept(database) == 3


def test_machines_get_the_same_as_json(
    terminal: Terminal, database: Database, folder: Path
) -> None:
    fill(database, folder)

    done = terminal("inbound", "--json", str(folder))

    assert json.loads(done.output.splitlines()[-1]) == {
        "read": 3,
        "repeated": 0,
        "unmatched": 1,
        "left": 0,
        "kinds": {"answer": 2, "bounce": 1},
    }


@pytest.mark.parametrize("as_json", [True, False])
def test_a_message_that_cannot_be_kept_is_told_of_and_the_others_are_taken(
    as_json: bool,
    terminal: Terminal,
    database: Database,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fill(database, folder)
    drop(folder, POISON)
    monkeypatch.setattr(keeping, "read", read_all_but_poison)

    done = terminal("inbound", *(["--json"] if as_json else []), str(folder))

    assert done.exit_code == 1
    assert ('"left": 1' if as_json else "Not kept: 1;") in done.output
    assert (len(names(folder, "new")), kept(database)) == (1, 3)


def test_what_is_no_mailbox_is_refused_plainly(terminal: Terminal, tmp_path: Path) -> None:
    done = terminal("inbound", str(tmp_path))

    assert done.exit_code == 2
    assert "neither a Maildir" in done.output


def test_it_stays_and_takes_what_comes_in_until_it_is_told_to_stop(
    url: str, database: Database, folder: Path
) -> None:
    settings = {
        "PATH": os.environ["PATH"],
        "WRIT_DATABASE_URL": url,
        "WRIT_PRIVACY_KEYS": PRIVACY_KEY,
    }
    process = subprocess.Popen(
        [WRIT, "inbound", "--watch", str(folder)],
        env=settings,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        fill(database, folder)
        deadline = time.monotonic() + 60
        while kept(database) < 3 and time.monotonic() < deadline:
            time.sleep(0.1)
        process.send_signal(signal.SIGTERM)
        said, _ = process.communicate(timeout=30)
    finally:
        process.kill()

    assert kept(database) == 3
    assert process.returncode == 0, said
    assert said.count("mail_kept") == 3
    assert "office.example" not in said
