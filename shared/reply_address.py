"""The address that a recipient answers to: the campaign's mailbox with a token for one delivery.

`letters@campaign.example` becomes `letters+01kbd6-…@campaign.example`.  The token is the
delivery's id in Crockford's base32, as a ULID is written, in groups: read without regard to case,
for mail programs change it, and parted by hyphens, for spam filters dislike one long random word.
In: a mailbox and an id.  Out: an address, and the id again.
Source: RFC 5233 (subaddresses), crockford.com/base32.html, RFC 5321 4.5.3.1.1 (64 octets).
"""

import re
from uuid import UUID

_DIGITS = "0123456789abcdefghjkmnpqrstvwxyz"
_VALUES = {digit: value for value, digit in enumerate(_DIGITS)} | {"o": 0, "i": 1, "l": 1}
_LENGTH = 26  # digits: 130 bits, of which the first two are 0
_GROUPS = (6, 7, 7, 6)
_PARTED = re.compile("[-._]")
_LONGEST_LOCAL = 64
MARK = "+"
#: Characters that a mailbox may have before its `@`, for a token to fit behind them.
LONGEST_MAILBOX = _LONGEST_LOCAL - len(MARK) - _LENGTH - (len(_GROUPS) - 1)


def reply_address(mailbox: str, delivery_id: UUID) -> str:
    """Where the answer to this delivery goes."""
    local, _, domain = mailbox.rpartition("@")
    return f"{local}{MARK}{_token(delivery_id)}@{domain}"


def delivery_of(address: str) -> UUID | None:
    """The delivery that an address names; None where it names none."""
    local = address.strip().rpartition("@")[0]
    digits = _PARTED.sub("", local.rpartition(MARK)[2]).lower() if MARK in local else ""
    if len(digits) != _LENGTH or not _VALUES.keys() >= set(digits):
        return None
    number = 0
    for digit in digits:
        number = number << 5 | _VALUES[digit]
    return UUID(int=number) if number < 1 << 128 else None


def _token(delivery_id: UUID) -> str:
    digits = "".join(_DIGITS[delivery_id.int >> 5 * place & 31] for place in range(_LENGTH))[::-1]
    groups, at = [], 0
    for length in _GROUPS:
        groups.append(digits[at : at + length])
        at += length
    return "-".join(groups)
