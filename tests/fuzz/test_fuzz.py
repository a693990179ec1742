"""A few hundred mutants of valid files; ``make fuzz`` runs twenty thousand."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import fuzz
import pytest

from dag_factory.config.project.survey import survey


@pytest.fixture(scope="module")
def homes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, fuzz.Home]]:
    yield fuzz.copy_projects(tmp_path_factory.mktemp("homes"))


@pytest.mark.parametrize("home", fuzz.HOMES.values(), ids=fuzz.HOMES)
def test_the_unchanged_files_have_no_problems(home: Path) -> None:
    assert survey(home).problems == ()


@pytest.mark.parametrize("seed", range(4))
def test_mutants_give_models_or_problems_with_positions(seed: int, homes: dict[str, fuzz.Home]) -> None:
    count = fuzz.Count()
    failures = [fuzz.run_mutant(number, 1_000 + seed, homes, count, build=False) for number in range(40)]
    assert not any(failures), "\n".join(f"{one.file}\n{one.what}\n{one.text.decode()}" for one in failures if one)
    assert count.models > 5
    assert len(count.codes) > 5


def test_dags_are_built_from_models_of_mutants(homes: dict[str, fuzz.Home], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fuzz, "BUILT", 4)
    count = fuzz.Count()
    failures = [fuzz.run_mutant(number, 7, homes, count, build=True) for number in range(25)]
    assert not any(failures), failures
    assert count.built


def test_the_same_number_gives_the_same_mutant(homes: dict[str, fuzz.Home]) -> None:
    texts = list(homes["every"].files.values())
    made = [[fuzz.mutant(texts[0], texts, fuzz.random_source(1, number)) for number in range(40)] for _ in "ab"]
    assert made[0] == made[1]
    assert len(set(made[0])) > 30


def test_a_mutant_over_its_time_is_interrupted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fuzz, "CPU_SECONDS", 0.05)
    with pytest.raises(fuzz.TooLong), fuzz.bounded():
        while True:
            pass
