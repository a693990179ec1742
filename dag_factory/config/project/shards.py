"""One loader's shard of a project, if several loaders divide its files."""

from __future__ import annotations

import hashlib

import msgspec

from dag_factory.config.ids import FileId


class Shard(msgspec.Struct, frozen=True):
    """Shard ``index`` (from 0) of ``count``. Each file belongs to one shard, whatever other files there are.

    Raises ``ValueError`` if there is no such shard.
    """

    index: int
    count: int

    def __post_init__(self) -> None:
        if not 0 <= self.index < self.count:
            raise ValueError(f"there is no shard {self.index} of {self.count}: the first shard is 0")

    @property
    def name(self) -> str:
        """The name of the shard in names of files; empty for the whole project."""
        return f"{self.index}-of-{self.count}" if self.count > 1 else ""

    def has(self, file_id: FileId) -> bool:
        """Whether a pipeline's file belongs to this shard."""
        if self.count == 1:
            return True
        digest = hashlib.blake2b(file_id.encode(), digest_size=8).digest()
        return int.from_bytes(digest, "big") % self.count == self.index


WHOLE = Shard(0, 1)
