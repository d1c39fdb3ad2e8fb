"""Keeps what is personal unreadable at rest: the one column type for people's data.

Personal values are sealed with AES-256-GCM (NIST SP 800-38D) and bound to their place: the
associated data is column, row and key, so that a value copied elsewhere does not open.  In:
`Private`.  Out: `Sealed`, which opens with its row's id.  The keyring comes from WRIT_PRIVACY_KEYS
(`name:base64,name:base64`; the first seals, all open) and travels with the engine's dialect.

A sealed value is: 0, length of the key's name, the name, 12 bytes of nonce, ciphertext and tag.
Those of the first version have no 0 in front and are bound to the column alone.  They still open;
`writ keys rotate` seals them again.
"""

import base64
import hashlib
import hmac
import os
from dataclasses import dataclass, field
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import LargeBinary
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

from shared.settings import SettingError

_NONCE = 12  # bytes, as GCM wants
_TAG = 16
_BOUND_TO_ROW = b"\0"  # the length of a key's name, which began a value before, is never 0


class Unreadable(Exception):
    """A personal value cannot be opened: a key is missing, or the value was moved or changed."""


@dataclass(frozen=True, slots=True)
class Keyring:
    """Named keys; the first seals, every one opens what it sealed."""

    keys: tuple[tuple[str, bytes], ...] = field(repr=False)
    # Made once: making a cipher costs more than sealing a name with it.
    _ciphers: dict[str, AESGCM] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        ciphers = {name: AESGCM(key) for name, key in self.keys}
        object.__setattr__(self, "_ciphers", ciphers)

    @classmethod
    def parse(cls, text: str) -> "Keyring":
        """Reads `name:base64,…`.  Raises SettingError."""
        keys = tuple(_parse_key(part.strip()) for part in text.split(",") if part.strip())
        if not keys:
            raise SettingError("WRIT_PRIVACY_KEYS holds no key; `writ key privacy` makes one")
        return cls(keys)

    @staticmethod
    def new_key(name: str) -> str:
        return f"{name}:{base64.b64encode(os.urandom(32)).decode()}"

    @staticmethod
    def start(name: str) -> bytes:
        """How every value begins that this key sealed; those of the first version lack the 0."""
        return _BOUND_TO_ROW + bytes([len(name)]) + name.encode()

    def seal_bytes(self, content: bytes, *, column: str, row: UUID | str) -> bytes:
        """`column` is "table.column"; `row` what names the row within its table."""
        name = self.keys[0][0]
        nonce = os.urandom(_NONCE)
        sealed = self._ciphers[name].encrypt(nonce, content, _place(name, column, row))
        return self.start(name) + nonce + sealed

    def open_bytes(self, sealed: bytes, *, column: str, row: UUID | str) -> bytes:
        """Raises Unreadable when no key of ours opens the value here."""
        name, bound_to_row, rest = _taken_apart(sealed, column)
        cipher = self._ciphers.get(name)
        if cipher is None:
            raise Unreadable(
                f"{column}: sealed with the key {name!r}, which WRIT_PRIVACY_KEYS lacks"
            )
        place = _place(name, column, row) if bound_to_row else column.encode()
        try:
            return cipher.decrypt(rest[:_NONCE], rest[_NONCE:], place)
        except InvalidTag as error:
            raise Unreadable(f"{column}: the value does not open with its key here") from error


@dataclass(frozen=True, slots=True)
class Private:
    """A text to be stored in the row whose `id` is `row`."""

    row: UUID
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Sealed:
    """A text as it is stored; it opens for who knows the row."""

    column: str
    _content: bytes = field(repr=False)
    _keyring: Keyring = field(repr=False)

    def open(self, row: UUID) -> str:
        """Raises Unreadable."""
        return self._keyring.open_bytes(self._content, column=self.column, row=row).decode()


class Personal(TypeDecorator[Private | Sealed]):
    """A text column whose values are sealed: written as Private, read as Sealed.

    `column` is "table.column".  The row is the one that the table's `id` names.
    """

    impl = LargeBinary
    cache_ok = True

    def __init__(self, column: str) -> None:
        super().__init__()
        self.column = column

    def process_bind_param(self, value: Private | Sealed | None, dialect: Dialect) -> bytes | None:
        if value is None:
            return None
        if not isinstance(value, Private):  # a bare text would be bound to no row
            raise TypeError(f"{self.column} takes Private, not {type(value).__name__}")
        content = value.text.encode()
        return _keyring(dialect).seal_bytes(content, column=self.column, row=value.row)

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> Sealed | None:
        return None if value is None else Sealed(self.column, value, _keyring(dialect))


def equip(dialect: Dialect, keyring: Keyring) -> None:
    """Lets statements of this engine seal and open personal columns."""
    dialect.writ_keyring = keyring  # type: ignore[attr-defined]


def identity(key: bytes, canonical: str) -> bytes:
    """A supporter's identity: a keyed hash, so that a stolen table cannot be searched by email."""
    return hmac.new(key, canonical.encode(), hashlib.sha256).digest()


def _keyring(dialect: Dialect) -> Keyring:
    keyring: Keyring = dialect.writ_keyring  # type: ignore[attr-defined]
    return keyring


def _place(name: str, column: str, row: UUID | str) -> bytes:
    """Neither a key's name nor a column holds a colon: no two places read the same."""
    return f"{name}:{column}:{row}".encode()


def _taken_apart(sealed: bytes, column: str) -> tuple[str, bool, bytes]:
    """The key's name, whether the row is bound, nonce with ciphertext.  Raises Unreadable."""
    bound_to_row = sealed.startswith(_BOUND_TO_ROW)
    rest = sealed[1:] if bound_to_row else sealed
    size = rest[0] if rest else 0
    name, rest = rest[1 : 1 + size], rest[1 + size :]
    if not name.isascii() or len(rest) < _NONCE + _TAG:
        raise Unreadable(f"{column}: the value is not one that was sealed")
    return name.decode(), bound_to_row, rest


def _parse_key(text: str) -> tuple[str, bytes]:
    name, _, encoded = text.partition(":")
    try:
        key = base64.b64decode(encoded, validate=True)
    except ValueError:
        key = b""
    if not name or not name.isascii() or len(name) > 32 or len(key) != 32:
        raise SettingError("WRIT_PRIVACY_KEYS must be name:base64 of 32 bytes, parted by commas")
    return name, key
