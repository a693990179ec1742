"""A few hundred mutants of valid files; ``make fuzz`` makes twenty thousand."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import fuzz
import pytest

from dag_factory.config.project.survey import survey


@pytest.fixture(scope="module")
def homes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, fuzz.Home]]:
    yield fuzz.opened(tmp_path_factory.mktemp("homes"))


@pytest.mark.parametrize("home", fuzz.HOMES.values(), ids=fuzz.HOMES)
def test_what_mutants_are_made_of_has_no_problem(home: Path) -> None:
    assert survey(home).problems == ()


@pytest.mark.parametrize("seed", range(4))
def test_ends_in_models_or_in_problems_with_places(seed: int, homes: dict[str, fuzz.Home]) -> None:
    count = fuzz.Count()
    failures = [fuzz.one(number, 1_000 + seed, homes, count, build=False) for number in range(40)]
    assert not any(failures), "\n".join(f"{one.file}\n{one.what}\n{one.text.decode()}" for one in failures if one)
    assert count.models > 5
    assert len(count.codes) > 5


def test_models_of_mutants_are_built(homes: dict[str, fuzz.Home], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fuzz, "BUILT", 4)
    count = fuzz.Count()
    failures = [fuzz.one(number, 7, homes, count, build=True) for number in range(25)]
    assert not any(failures), failures
    assert count.built


def test_the_same_number_is_the_same_mutant(homes: dict[str, fuzz.Home]) -> None:
    texts = list(homes["every"].files.values())
    made = [[fuzz.mutant(texts[0], texts, fuzz.chance_of(1, number)) for number in range(40)] for _ in "ab"]
    assert made[0] == made[1]
    assert len(set(made[0])) > 30


def test_a_bound_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fuzz, "CPU_SECONDS", 0.05)
    with pytest.raises(fuzz.TooLong), fuzz.bounded():
        while True:
            pass
