"""Links that open one page about one thing, for whoever holds them: in an email, or on paper.

In: an id.  Out: an address with a token that only who knows WRIT_IDENTITY_KEY can make.  A link of
one purpose opens nothing of another.
"""

import base64
import hmac
import re
from dataclasses import dataclass, field
from hashlib import sha256
from uuid import UUID

# 112 bits are never guessed over HTTP; with the id they make 30 bytes, 48 letters without a rest.
_SIGNATURE_BYTES = 14
_GROUP = 8  # filters of mail look twice at a long word without sense
_NO_LETTER = re.compile(r"[^a-z2-7]")


@dataclass(frozen=True, slots=True)
class SignedLinks:
    """Makes links of one purpose and reads them."""

    key: bytes = field(repr=False)
    purpose: bytes
    start: str  # of every link, up to its token

    def link(self, id: UUID) -> str:
        return f"{self.start}{self.token(id)}"

    def token(self, id: UUID) -> str:
        """Small letters and hyphens: it survives being typed, in capitals too."""
        text = base64.b32encode(id.bytes + self._signature(id)).decode().lower()
        return "-".join(text[at : at + _GROUP] for at in range(0, len(text), _GROUP))

    def id_of(self, token: str) -> UUID | None:
        """What a token of ours stands for, whatever a mail program hung on to it."""
        text = _NO_LETTER.sub("", token.lower())
        if len(text) * 5 != (16 + _SIGNATURE_BYTES) * 8:
            return None
        whole = base64.b32decode(text.upper())
        id = UUID(bytes=whole[:16])
        return id if hmac.compare_digest(whole[16:], self._signature(id)) else None

    def _signature(self, id: UUID) -> bytes:
        told = hmac.digest(self.key, self.purpose + b"|" + id.bytes, sha256)
        return told[:_SIGNATURE_BYTES]
