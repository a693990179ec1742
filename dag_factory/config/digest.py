"""A digest of several byte strings."""

from __future__ import annotations

import hashlib


def digest(*parts: bytes) -> str:
    """A digest of some byte strings, including the boundaries between them."""
    total = hashlib.blake2b(digest_size=20)
    for part in parts:
        total.update(len(part).to_bytes(8, "little"))
        total.update(part)
    return total.hexdigest()
