"""`writ import FILE`: shows what a file holds, asks, and takes its rows."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import func, select

from services.cli.main import writ
from services.intake.clients.manage import create_client
from services.intake.packs.load import load_entries
from shared.api_keys import Mode, Scope
from shared.database import Database
from shared.migrate import migrate
from shared.privacy import Keyring
from shared.tables.intake import actions
from shared.tables.writing_events import import_maps, import_parts, imports
from tests.intake.builders import a_campaign, a_pack
from tests.intake.imports.files import HEADER, a_row, csv_file, rows, xlsx_file

PRIVACY_KEY = Keyring.new_key("test")
IDENTITY_KEY = "aWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWk="
SAME = ("--case", "mikita", "--channel", "email")

Writ = Callable[..., Result]


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'writ.db'}"


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    database = Database(url, Keyring.parse(PRIVACY_KEY))
    migrate(database)
    always = a_campaign(opens="2020-01-01")
    load_entries(database, "test", a_pack(campaign=always))
    create_client(database, "the local group", mode=Mode.LIVE, scopes=[Scope.SUBMIT])
    yield database
    database.close()


@pytest.fixture
def take(database: Database, url: str, tmp_path: Path) -> Writ:
    """`writ import`, on a file of this content; `answers` are typed in."""
    env = {
        "WRIT_ENVIRONMENT": "development",
        "WRIT_DATABASE_URL": url,
        "WRIT_PRIVACY_KEYS": PRIVACY_KEY,
        "WRIT_IDENTITY_KEY": IDENTITY_KEY,
        "COLUMNS": "160",
    }

    def run(content: bytes, *words: str, answers: str = "") -> Result:
        file = tmp_path / "event"
        file.write_bytes(content)
        command = ["import", str(file), *SAME, *words]
        return CliRunner(env=env).invoke(writ, command, input=answers)

    return run


def stored(database: Database) -> int:
    with database.read() as connection:
        return connection.scalar(select(func.count()).select_from(actions)) or 0


def test_a_file_is_shown_and_taken_when_the_answer_is_yes(take: Writ, database: Database) -> None:
    table = [a_row(1, Name="Zoë Ångström"), *rows(20)[1:]]

    told = take(csv_file(table, (*HEADER[:3], "Remarks"), encoding="cp1252"), answers="y\n")

    assert told.exit_code == 0, told.output
    assert "cp1252, ',', 20 rows" in told.output
    assert "Zoë Ångström" in told.output
    assert "Remarks" in told.output
    assert "Take 20 rows as live actions?" in told.output
    assert "done: 20 accepted, 0 duplicates, 0 bad of 20 rows" in told.output
    assert stored(database) == 20


def test_nothing_is_taken_when_the_answer_is_no(take: Writ, database: Database) -> None:
    told = take(xlsx_file(rows(3)), answers="n\n")

    assert told.exit_code == 0
    assert "cancelled" in told.output
    assert stored(database) == 0


def test_who_walks_away_leaves_no_file_behind(take: Writ, database: Database) -> None:
    told = take(csv_file(rows(3)))  # the answer never comes

    assert told.exit_code == 1
    with database.read() as connection:
        assert connection.scalar(select(imports.c.state)) == "cancelled"


def test_bad_rows_are_shown_by_row_and_column_and_left_out(take: Writ, database: Database) -> None:
    told = take(csv_file([a_row(1), a_row(2, Words="=1+1")]), answers="y\n")

    assert "begins as a formula does" in told.output
    assert "Take 1 rows as live actions, and leave 1 out?" in told.output
    assert stored(database) == 1


def test_all_or_none_means_none_where_one_is_bad(take: Writ, database: Database) -> None:
    told = take(csv_file([a_row(1), a_row(2, Email="nobody")]), "--yes")

    assert told.exit_code == 1
    assert "1 of 2 rows are bad" in told.output
    assert "--rows good" in told.stderr
    assert stored(database) == 0


@pytest.mark.parametrize("words", [("--yes",), ("--rows", "all"), ("--json", "--yes")])
def test_a_file_whose_rows_are_refused_is_not_kept(
    take: Writ, database: Database, words: tuple[str, ...]
) -> None:
    told = take(csv_file([a_row(1), a_row(2, Email="nobody")]), *words)

    assert "Take" not in told.output
    with database.read() as connection:
        assert connection.scalar(select(imports.c.state)) == "cancelled"
        assert connection.scalar(select(func.count()).select_from(import_parts)) == 0


def test_machines_get_lines_of_json_and_only_look_without_yes(
    take: Writ, database: Database
) -> None:
    looked = take(csv_file(rows(3)), "--json")
    taken = take(csv_file(rows(3)), "--json", "--yes", "--rows", "good")

    first, second = (json.loads(one.output.splitlines()[-1]) for one in (looked, taken))
    assert (first["state"], first["rows"], first["accepted"]) == ("cancelled", 3, 0)
    assert (second["state"], second["rows"], second["accepted"]) == ("done", 3, 3)
    assert stored(database) == 3


def test_columns_are_named_left_out_and_the_map_is_kept(take: Writ, database: Database) -> None:
    header = ("Wer", "Email", "Land", "Anmerkung")
    words = ("--map", "Wer=name", "--map", "Anmerkung=words", "--map", "Email=")

    first = take(csv_file(rows(2), header), *words, "--yes", "--save-map", "tuesday")
    second = take(csv_file(rows(3), header), "--use-map", "tuesday", "--yes")

    assert (first.exit_code, second.exit_code) == (0, 0), second.output
    with database.read() as connection:
        assert connection.scalar(select(import_maps.c.name)) == "tuesday"
        emails = connection.execute(select(actions.c.supporter_email)).scalars().all()
    assert emails == [None] * 5


@pytest.mark.parametrize("word", ["Wer", "Wer=shoe_size", "=name"])
def test_a_map_that_is_none_is_told(take: Writ, word: str) -> None:
    told = take(csv_file(rows(1)), "--map", word)

    assert told.exit_code == 2
    assert "COLUMN=FIELD" in told.output


def test_the_same_file_twice_is_noticed(take: Writ, database: Database) -> None:
    take(csv_file(rows(2)), "--yes")

    again = take(csv_file(rows(2)), "--yes")
    wanted = take(csv_file(rows(2)), "--yes", "--again")

    assert (again.exit_code, wanted.exit_code) == (1, 0)
    assert "--again takes it once more" in again.output
    assert "0 accepted, 2 duplicates" in wanted.output


def test_a_file_that_cannot_be_read_says_why(take: Writ) -> None:
    told = take(b'Name,Words\nAna,"I think')

    assert told.exit_code == 1
    assert "may be cut off" in told.output


def test_of_several_clients_one_must_be_named(take: Writ, database: Database) -> None:
    other = create_client(database, "another", mode=Mode.TEST, scopes=[Scope.SUBMIT])

    unnamed = take(csv_file(rows(1)), "--yes")
    named = take(csv_file(rows(1)), "--yes", "--client", str(other.id))

    assert unnamed.exit_code == 1
    assert str(other.id) in unnamed.output
    assert named.exit_code == 0
    with database.read() as connection:
        assert connection.scalar(select(imports.c.mode)) == "test"
