"""Personal values are sealed at rest, and open only where and with what they were sealed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from shared.privacy import Keyring, Unreadable, identity
from shared.settings import SettingError
from shared.tables.columns import METADATA
from tests.dispatch.builders import World
from tests.dispatch.conftest import world

__all__ = ["world"]  # a fixture of theirs

OLD, NEW = ("old", b"o" * 32), ("new", b"n" * 32)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_what_is_sealed_opens_again(value: str) -> None:
    ring = Keyring((OLD,))

    assert ring.open(ring.seal(value, "t.c"), "t.c") == value


def test_the_same_value_is_sealed_anew_each_time() -> None:
    ring = Keyring((OLD,))

    assert ring.seal("Ana", "t.c") != ring.seal("Ana", "t.c")
    assert b"Ana" not in ring.seal("Ana", "t.c")


def test_the_first_key_seals_and_every_key_opens() -> None:
    old, both = Keyring((OLD,)), Keyring((NEW, OLD))

    assert both.open(old.seal("Ana", "t.c"), "t.c") == "Ana"
    with pytest.raises(Unreadable, match="sealed with the key 'new', which WRIT_PRIVACY_KEYS"):
        old.open(both.seal("Ana", "t.c"), "t.c")


def test_a_value_moved_to_another_column_does_not_open() -> None:
    ring = Keyring((OLD,))
    sealed = ring.seal("Ana", "actions.words")

    with pytest.raises(Unreadable, match="does not open"):
        ring.open(sealed, "actions.supporter_name")


@pytest.mark.parametrize("at", [5, 20, -1])
def test_a_value_that_was_changed_does_not_open(at: int) -> None:
    ring = Keyring((OLD,))
    sealed = bytearray(ring.seal("Ana", "t.c"))
    sealed[at] ^= 1

    with pytest.raises(Unreadable):
        ring.open(bytes(sealed), "t.c")


def test_a_keyring_is_read_from_one_line() -> None:
    line = f"{Keyring.new_key('a')}, {Keyring.new_key('b')},"

    assert [name for name, _ in Keyring.parse(line).keys] == ["a", "b"]


@pytest.mark.parametrize(
    "line", ["", " , ", "a", "a:", ":AAAA", "a:AAAA", "a:no base64!", f"{'n' * 33}:{'A' * 43}="]
)
def test_a_keyring_that_is_wrong_is_refused_without_being_shown(line: str) -> None:
    with pytest.raises(SettingError, match="WRIT_PRIVACY_KEYS") as error:
        Keyring.parse(line)

    assert "AAAA" not in str(error.value)


def test_an_identity_is_keyed() -> None:
    one = identity(b"k" * 32, "ana@people.example")

    assert len(one) == 32
    assert one == identity(b"k" * 32, "ana@people.example")
    assert one != identity(b"l" * 32, "ana@people.example")


def test_nothing_of_a_person_lies_open_in_the_database(world: World) -> None:
    delivery = world.a_delivery(words="My own words")
    world.deliver(delivery)

    with world.database.read() as connection:
        lying = [
            str([bytes(one) if isinstance(one, memoryview) else one for one in row])
            for table in METADATA.sorted_tables
            for row in connection.execute(text(f'SELECT * FROM "{table.name}"'))
        ]
    people = ["Ana", "ana@people.example", "My own words", "office@prosecutor.example"]
    assert [one for one in people if any(one in row for row in lying)] == []
    assert world.attempts(delivery)[0].address == "office@prosecutor.example"
