"""Chance that can be repeated: a number from a hash, so that one seed always tells one story."""

import hashlib


def fraction(*parts: object) -> float:
    """A number in [0, 1) that looks random and depends on `parts` alone."""
    text = "\x1f".join(map(str, parts))
    digest = hashlib.blake2b(text.encode(), digest_size=7).digest()
    return int.from_bytes(digest) / 2**56
