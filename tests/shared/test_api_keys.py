from collections.abc import Iterator
from pathlib import Path

import pytest

from services.intake.clients.manage import Terms, create_client, revoke_client
from shared.api_keys import ClientRegistry, Mode, Scope, is_well_formed, new_key
from shared.database import Database
from shared.migrate import migrate
from shared.privacy import Keyring


class FakeTimer:
    def __init__(self) -> None:
        self.at = 0.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{tmp_path / 'keys.db'}", Keyring((("test", b"k" * 32),)))
    migrate(database)
    yield database
    database.close()


@pytest.mark.parametrize("mode", Mode)
def test_a_new_key_is_well_formed_and_says_its_mode(mode: Mode) -> None:
    key = new_key(mode)

    assert is_well_formed(key.text)
    assert key.text.startswith(f"writ_{mode}_")
    assert key.text.startswith(key.start)
    assert len(key.text) == len(f"writ_{mode}_") + 32 + 6


def test_every_slip_of_one_letter_is_told() -> None:
    text = new_key(Mode.LIVE).text

    for place in range(len(text)):
        wrong = "b" if text[place] == "a" else "a"
        assert not is_well_formed(text[:place] + wrong + text[place + 1 :])


@pytest.mark.parametrize("text", ["", "writ_live_", "writ_prod_" + "a" * 38, "\u0661" * 48])
def test_what_is_no_key_is_told(text: str) -> None:
    assert not is_well_formed(text)


def test_two_keys_differ() -> None:
    assert new_key(Mode.LIVE).text != new_key(Mode.LIVE).text


def test_a_client_is_found_by_its_key(database: Database) -> None:
    terms = Terms(rate_per_s=7)
    made = create_client(database, "a tool", mode=Mode.TEST, scopes=[Scope.SUBMIT], terms=terms)

    found = ClientRegistry(database).find(made.key)

    assert found is not None
    assert (found.client.id, found.client.mode, found.client.rate_per_s) == (made.id, Mode.TEST, 7)
    assert found.client.scopes == {Scope.SUBMIT}
    assert not found.revoked


def test_a_key_that_nobody_has_is_not_found(database: Database) -> None:
    assert ClientRegistry(database).find(new_key(Mode.LIVE).text) is None


def test_a_revoked_key_is_told_within_five_seconds(database: Database) -> None:
    made, timer = create_client(database, "a tool", mode=Mode.LIVE, scopes=[]), FakeTimer()
    registry = ClientRegistry(database, timer=timer)
    registry.find(made.key)

    assert revoke_client(database, made.id)
    timer.at = 5.0

    found = registry.find(made.key)
    assert found is not None
    assert found.revoked


def test_a_key_is_revoked_once(database: Database) -> None:
    made = create_client(database, "a tool", mode=Mode.LIVE, scopes=[])

    assert [revoke_client(database, made.id) for _ in range(2)] == [True, False]


def test_the_key_itself_is_stored_nowhere(database: Database, tmp_path: Path) -> None:
    made = create_client(database, "a tool", mode=Mode.LIVE, scopes=[])
    database.close()

    stored = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert made.key.encode() not in stored
