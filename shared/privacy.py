"""Keeps what is personal unreadable at rest: the one column type for supporters' data.

Personal values are sealed with AES-256-GCM (NIST SP 800-38D); the column's name is bound as
associated data, so that a value copied to another column does not open.  The keyring comes from
WRIT_PRIVACY_KEYS (`name:base64,name:base64`; the first seals, all open) and travels with the
engine's dialect: see `Database`.
"""

import base64
import hashlib
import hmac
import os
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import LargeBinary
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

from shared.settings import SettingError

_NONCE = 12  # bytes, as GCM wants


@dataclass(frozen=True, slots=True)
class Keyring:
    """Named keys; the first seals, every one opens what it sealed."""

    keys: tuple[tuple[str, bytes], ...] = field(repr=False)

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

    def seal(self, value: str, column: str) -> bytes:
        name, key = self.keys[0]
        nonce = os.urandom(_NONCE)
        sealed = AESGCM(key).encrypt(nonce, value.encode(), column.encode())
        return bytes([len(name)]) + name.encode() + nonce + sealed

    def open(self, sealed: bytes, column: str) -> str:
        """Raises Unreadable when no key of ours opens the value."""
        size = sealed[0]
        name, rest = sealed[1 : 1 + size].decode(), sealed[1 + size :]
        key = dict(self.keys).get(name)
        if key is None:
            raise Unreadable(
                f"{column}: sealed with the key {name!r}, which WRIT_PRIVACY_KEYS lacks"
            )
        try:
            return AESGCM(key).decrypt(rest[:_NONCE], rest[_NONCE:], column.encode()).decode()
        except InvalidTag as error:
            raise Unreadable(f"{column}: the value does not open with its key") from error


class Unreadable(Exception):
    """A personal value cannot be opened: a key is missing, or the value was moved or changed."""


class Personal(TypeDecorator[str]):
    """A text column whose value is sealed.  `column` is "table.column"."""

    impl = LargeBinary
    cache_ok = True

    def __init__(self, column: str) -> None:
        super().__init__()
        self.column = column

    def process_bind_param(self, value: str | None, dialect: Dialect) -> bytes | None:
        return None if value is None else _keyring(dialect).seal(value, self.column)

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> str | None:
        return None if value is None else _keyring(dialect).open(value, self.column)


def equip(dialect: Dialect, keyring: Keyring) -> None:
    """Lets statements of this engine seal and open personal columns."""
    dialect.writ_keyring = keyring  # type: ignore[attr-defined]


def identity(key: bytes, canonical: str) -> bytes:
    """A supporter's identity: a keyed hash, so that a stolen table cannot be searched by email."""
    return hmac.new(key, canonical.encode(), hashlib.sha256).digest()


def _keyring(dialect: Dialect) -> Keyring:
    keyring: Keyring = dialect.writ_keyring  # type: ignore[attr-defined]
    return keyring


def _parse_key(text: str) -> tuple[str, bytes]:
    name, _, encoded = text.partition(":")
    try:
        key = base64.b64decode(encoded, validate=True)
    except ValueError:
        key = b""
    if not name or len(name) > 32 or len(key) != 32:
        raise SettingError("WRIT_PRIVACY_KEYS must be name:base64 of 32 bytes, parted by commas")
    return name, key
