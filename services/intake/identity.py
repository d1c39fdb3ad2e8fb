"""Who acts, without saying who: keyed hashes of supporters, and of what they do.

In: an email address, or what stands in for it, and the secret WRIT_IDENTITY_KEY.  Out: bytes that
are equal for the same person and tell nobody without the key anything.
"""

import base64
import hmac
from hashlib import sha256
from uuid import UUID

from services.intake.models import Supporter

# Mail to these arrives with or without the dots, and under either name.
_DOTS_MEAN_NOTHING = {"gmail.com": "gmail.com", "googlemail.com": "gmail.com"}
_REF_BYTES = 16


def canonical_email(email: str) -> str:
    """What all spellings of one mailbox have in common; for comparing, never for sending.

    Letters are folded, and what follows a plus is a label of the owner's own (RFC 5233).
    """
    local, _, domain = email.lower().rpartition("@")
    local = local.partition("+")[0] or local
    if domain in _DOTS_MEAN_NOTHING:
        domain, local = _DOTS_MEAN_NOTHING[domain], local.replace(".", "")
    return f"{local}@{domain}"


def one_person(supporter: Supporter, client_id: UUID, action_id: UUID) -> str:
    """What stays the same when the same person acts again.  Without an email or an id: nothing."""
    if supporter.email:
        return f"email:{canonical_email(supporter.email)}"
    if supporter.ref:
        return f"ref:{client_id}|{supporter.ref}"
    return f"alone:{action_id}"


def handle(key: bytes, client_id: UUID, person: bytes) -> str:
    """A client's own word for a person: two clients cannot find out that they know the same one."""
    told = hmac.digest(key, b"ref|" + client_id.bytes + person, sha256)[:_REF_BYTES]
    return base64.b32encode(told).decode().rstrip("=").lower()


def same_thing(key: bytes, *parts: str | bytes) -> bytes:
    """Equal for two actions of which the second is the first once more."""
    whole = b"\x00".join(part if isinstance(part, bytes) else part.encode() for part in parts)
    return hmac.digest(key, b"same|" + whole, sha256)
