"""DAGs that were renamed: Airflow sees a removed and a new DAG, and the history of the old one is lost."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from dag_factory.config.ids import FileId
from dag_factory.config.source.layout import id_of
from dag_factory.config.storage import read_file
from dag_factory.plan.differences.effect import effect_key_without_id
from dag_factory.plan.model import Comparison

_ALIKE = 0.8


def find_renames(comparisons: Sequence[Comparison], base_home: Path, head_home: Path) -> list[Comparison]:
    """The comparisons with one for each renamed DAG, instead of one for the removed and one for the added DAG.

    A DAG is renamed if its effect is the same but for its name, or if the text of its file is at least 80 % alike.
    """
    removed: dict[str, list[Comparison]] = defaultdict(list)
    added: dict[str, list[Comparison]] = defaultdict(list)
    for one in comparisons:
        if one.before and one.after is None and not one.problems:
            removed[one.environment].append(one)
        elif one.after and one.before is None and not one.problems_before:
            added[one.environment].append(one)
    texts = _Texts(base_home, head_home)
    pairs = {
        id(new): old for environment in added for old, new in _pair(removed[environment], added[environment], texts)
    }
    replaced = {id(old) for old in pairs.values()}
    return [
        _renamed(pairs[id(one)], one) if id(one) in pairs else one for one in comparisons if id(one) not in replaced
    ]


def _renamed(old: Comparison, new: Comparison) -> Comparison:
    return msgspec.structs.replace(new, before=old.before, renamed_from=old.id, problems_before=old.problems_before)


def _pair(removed: list[Comparison], added: list[Comparison], texts: _Texts) -> Iterator[tuple[Comparison, Comparison]]:
    """Yield pairs of the old and the new DAG. Each is in one pair at most; those with the same last name come first."""
    if not removed:
        return
    by_effect: dict[bytes, list[Comparison]] = defaultdict(list)
    for one in removed:
        assert one.before
        by_effect[effect_key_without_id(one.before)].append(one)
    used: set[int] = set()
    left = []
    for new in sorted(added, key=lambda one: one.id):
        assert new.after
        candidates = [old for old in by_effect.get(effect_key_without_id(new.after), ()) if id(old) not in used]
        if candidates:
            old = min(candidates, key=lambda one: (_last(one.id) != _last(new.id), one.id))
            used.add(id(old))
            yield old, new
        else:
            left.append(new)
    alike = []
    for new in left:
        for old in removed:
            if id(old) not in used and (ratio := texts.ratio(old, new)) >= _ALIKE:
                alike.append((-ratio, _last(old.id) != _last(new.id), old.id, new.id, old, new))
    for *_, old, new in sorted(alike, key=lambda one: one[:4]):
        if id(old) not in used and id(new) not in used:
            used |= {id(old), id(new)}
            yield old, new


def _last(dag_id: str) -> str:
    return dag_id.rpartition(".")[2]


class _Texts:
    """The lines of files, to see how alike two are."""

    def __init__(self, base_home: Path, head_home: Path) -> None:
        self._homes = base_home, head_home
        self._known: dict[tuple[int, str], Counter[bytes]] = {}

    def ratio(self, old: Comparison, new: Comparison) -> float:
        """How much of both texts is in common lines, from 0 to 1; 0 for different DAGs of files with instances."""
        if old.file == new.file:
            return 0.0
        names = [one.id.removeprefix(id_of(one.file)) for one in (old, new)]  # of the instances
        if names[0] != names[1]:
            return 0.0
        one, other = self._lines(0, old.file), self._lines(1, new.file)
        total = one.total() + other.total()
        return 2 * (one & other).total() / total if total else 0.0

    def _lines(self, side: int, file: str) -> Counter[bytes]:
        key = side, file
        if key not in self._known:
            data = read_file.read(self._homes[side], FileId(id_of(file))).data
            lines = (line.strip() for line in data.splitlines()) if isinstance(data, bytes) else ()
            self._known[key] = Counter(line for line in lines if line)
        return self._known[key]
