"""Personal values are sealed at rest, and open only where and with what they were sealed."""

import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.dialects import sqlite

from shared.clock import new_id
from shared.privacy import Keyring, Personal, Private, Sealed, Unreadable, equip, identity
from shared.settings import SettingError
from shared.tables.columns import METADATA
from tests.dispatch.builders import World
from tests.dispatch.conftest import world

__all__ = ["world"]  # a fixture of theirs

OLD, NEW = ("old", b"o" * 32), ("new", b"n" * 32)


ROW, OTHER_ROW = new_id(), new_id()


@given(st.binary())
def test_what_is_sealed_opens_again(content: bytes) -> None:
    assert opened(Keyring((OLD,)), sealed(Keyring((OLD,)), content)) == content


def test_the_same_value_is_sealed_anew_each_time() -> None:
    ring = Keyring((OLD,))

    assert sealed(ring) != sealed(ring)
    assert b"Ana" not in sealed(ring)


def test_the_first_key_seals_and_every_key_opens() -> None:
    old, both = Keyring((OLD,)), Keyring((NEW, OLD))

    assert opened(both, sealed(old)) == b"Ana"
    assert sealed(both).startswith(Keyring.start("new"))
    with pytest.raises(Unreadable, match="sealed with the key 'new', which WRIT_PRIVACY_KEYS"):
        opened(old, sealed(both))


@pytest.mark.parametrize("elsewhere", [{"column": "t.d"}, {"row": OTHER_ROW}, {"row": ""}])
def test_a_value_moved_to_another_place_does_not_open(elsewhere: dict[str, Any]) -> None:
    ring = Keyring((OLD,))

    with pytest.raises(Unreadable, match="does not open"):
        opened(ring, sealed(ring), **elsewhere)


def test_a_value_under_another_keys_name_does_not_open() -> None:
    twins = Keyring((("new", OLD[1]), OLD))  # the same key under two names
    renamed = sealed(twins).replace(b"new", b"old", 1)

    with pytest.raises(Unreadable, match="does not open"):
        opened(twins, renamed)


def test_a_value_of_the_first_version_still_opens_in_its_column() -> None:
    ring = Keyring((NEW, OLD))

    assert opened(ring, of_the_first_version(OLD, "t.c"), row=OTHER_ROW) == b"Ana"
    assert of_the_first_version(OLD, "t.c").startswith(Keyring.start("old")[1:])
    with pytest.raises(Unreadable, match="does not open"):
        opened(ring, of_the_first_version(OLD, "t.d"))


def test_a_value_that_is_bound_to_its_row_cannot_pass_for_one_of_the_first_version() -> None:
    ring = Keyring((OLD,))

    with pytest.raises(Unreadable, match="does not open"):
        opened(ring, sealed(ring)[1:], row=OTHER_ROW)


@pytest.mark.parametrize("at", [1, 2, 5, 20, -1])
def test_a_value_that_was_changed_does_not_open(at: int) -> None:
    changed = bytearray(sealed(Keyring((OLD,))))
    changed[at] ^= 1

    with pytest.raises(Unreadable):
        opened(Keyring((OLD,)), bytes(changed))


@given(st.binary(max_size=60))
def test_what_was_never_sealed_is_unreadable(content: bytes) -> None:
    with pytest.raises(Unreadable):
        opened(Keyring((OLD,)), content)


def test_a_column_takes_no_text_without_its_row() -> None:
    column, dialect = Personal("t.c"), sqlite.dialect()
    equip(dialect, Keyring((OLD,)))

    with pytest.raises(TypeError, match=r"^t\.c takes Private, not str$"):
        column.process_bind_param("Ana", dialect)  # type: ignore[arg-type]


def test_a_personal_value_never_shows_itself() -> None:
    shown = f"{Private(ROW, 'Ana')!r} {Sealed('t.c', b'Ana', Keyring((OLD,)))!r}"

    assert "Ana" not in shown
    assert "ooo" not in shown


def test_threads_share_a_keyring() -> None:
    ring = Keyring((OLD,))

    def seal_and_open(number: int) -> bool:
        content = str(number).encode() * 50
        return opened(ring, sealed(ring, content)) == content

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(seal_and_open, range(4_000)))


def test_a_keyring_is_read_from_one_line() -> None:
    line = f"{Keyring.new_key('a')}, {Keyring.new_key('b')},"

    assert [name for name, _ in Keyring.parse(line).keys] == ["a", "b"]


@pytest.mark.parametrize(
    "line",
    [
        *("", " , ", "a", "a:", ":AAAA", "a:AAAA", "a:no base64!"),
        *(f"{'n' * 33}:{'A' * 43}=", f"ä:{'A' * 43}="),
    ],
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


def sealed(ring: Keyring, content: bytes = b"Ana") -> bytes:
    return ring.seal_bytes(content, column="t.c", row=ROW)


def opened(ring: Keyring, content: bytes, *, column: str = "t.c", row: UUID | str = ROW) -> bytes:
    return ring.open_bytes(content, column=column, row=row)


def of_the_first_version(key: tuple[str, bytes], column: str) -> bytes:
    """As values were sealed before they were bound to their rows."""
    name, nonce = key[0].encode(), os.urandom(12)
    ciphertext = AESGCM(key[1]).encrypt(nonce, b"Ana", column.encode())
    return bytes([len(name)]) + name + nonce + ciphertext


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
