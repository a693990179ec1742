"""The text of the lines that are causes, on both sides."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from dag_factory.config.source.files import read_bytes
from dag_factory.config.source.yaml_text import lines
from dag_factory.plan.model import Cause, ChangedLine

_LONGEST_FILE = 4_000  # lines: pairing those of a longer file takes too long


def line_texts(causes: Iterable[Cause], base_home: Path, head_home: Path) -> tuple[ChangedLine, ...]:
    """The text of each cause that has a line, and of the line that it replaces or that replaces it."""
    files = _Files(base_home, head_home)
    found = {cause: files.changed_line(cause) for cause in dict.fromkeys(causes) if cause.line}
    return tuple(line for _, line in sorted(found.items()) if line)


class _Files:
    def __init__(self, base_home: Path, head_home: Path) -> None:
        self._homes = base_home, head_home
        self._pairs = lru_cache(None)(self._find_pairs)
        self._lines = lru_cache(None)(self._read)

    def changed_line(self, cause: Cause) -> ChangedLine | None:
        side = 0 if cause.side == "before" else 1
        own, other = self._lines(side, cause.file), self._lines(1 - side, cause.file)
        if cause.line > len(own):
            return None
        text = own[cause.line - 1]
        pair = self._pairs(side, cause.file).get(cause.line - 1)
        sides = text, None if pair is None else other[pair]
        return ChangedLine(cause, *(sides if side == 0 else sides[::-1])) if sides[0] != sides[1] else None

    def _find_pairs(self, side: int, file: str) -> dict[int, int]:
        """The index of the line of the other side for each line of one side that is changed or the same."""
        own, other = self._lines(side, file), self._lines(1 - side, file)
        pairs: dict[int, int] = {}
        if max(len(own), len(other)) > _LONGEST_FILE:
            return pairs
        for kind, first, last, other_first, other_last in difflib.SequenceMatcher(
            None, own, other, False
        ).get_opcodes():
            if kind == "equal" or last - first == other_last - other_first:
                pairs.update(zip(range(first, last), range(other_first, other_last), strict=True))
        return pairs

    def _read(self, side: int, file: str) -> list[str]:
        home = self._homes[side]
        data = read_bytes(home / file, home / "configs", file)
        return lines(data.decode("utf-8", "replace")) if isinstance(data, bytes) else []
