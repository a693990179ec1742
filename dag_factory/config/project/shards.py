"""One loader's share of a project, where several loaders divide it among them."""

from __future__ import annotations

import hashlib

import msgspec


class Shard(msgspec.Struct, frozen=True):
    """Number ``index`` (from 0) of ``count`` shares. Each file belongs to one, whatever else there is.

    Raises ``ValueError`` where there is no such share.
    """

    index: int
    count: int

    def __post_init__(self) -> None:
        if not 0 <= self.index < self.count:
            raise ValueError(f"there is no share {self.index} of {self.count}: they count from 0")

    @property
    def name(self) -> str:
        """What tells this share's own files from the others'; nothing for the whole."""
        return f"{self.index}-of-{self.count}" if self.count > 1 else ""

    def has(self, file_id: str) -> bool:
        """Whether a pipeline's file belongs to this share."""
        if self.count == 1:
            return True
        digest = hashlib.blake2b(file_id.encode(), digest_size=8).digest()
        return int.from_bytes(digest, "big") % self.count == self.index


WHOLE = Shard(0, 1)
