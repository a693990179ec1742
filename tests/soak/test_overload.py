"""Commits with too much work for a loader, in a real DAG processor: all other DAGs are still updated."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from soak import Processor, project, running

SECONDS = 200  # far more than a pass takes


def matrix(volumes: int) -> str:
    """Return a file of a few kB that gives a thousand jobs, each with this number of volumes."""
    mounts = ", ".join(f"{{pvc: c{n}, mount_path: /v{n}}}" for n in range(volumes))
    axes = f"{{a: [{', '.join(map(str, range(25)))}], b: [{', '.join(map(str, range(10)))}]}}"
    jobs = "".join(f"  j{number}: {{matrix: {axes}}}\n" for number in range(4))
    return f"version: 1\ndefaults: {{docker_image: i, resource_flavor: cpu-small, volumes: [{mounts}]}}\njobs:\n{jobs}"


def good(description: str) -> str:
    return f"version: 1\ndescription: {description}\ndefaults: {{docker_image: i, resource_flavor: cpu-small}}\n"


def wait(until: Callable[[], bool], processor: Processor) -> None:
    end = time.monotonic() + SECONDS
    while not until():
        assert time.monotonic() < end, f"{processor.dags()}\n{processor.report()}"
        time.sleep(0.2)


@pytest.mark.timeout(900)
def test_files_with_too_much_work_do_not_block_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAG_FACTORY_LOADER_WORK", "2_500_000")
    monkeypatch.setenv("DAG_FACTORY_CACHE", str(tmp_path / "cache"))
    folder = project(tmp_path / "project")
    (folder / "good.yaml").write_text(good("first"))
    with running(tmp_path / "project", "local", 10) as processor:
        wait(lambda: processor.dags() == {"soak.good": "first"}, processor)
        for name in ("one", "two", "three"):
            (folder / f"{name}.yaml").write_text(matrix(volumes=38))
        (folder / "good.yaml").write_text(good("second"))
        wait(lambda: all(f"soak/{name}.yaml" in processor.report() for name in ("one", "two", "three")), processor)
        wait(lambda: processor.dags() == {"soak.good": "second"}, processor)
        assert processor.report().count("too-much-work") == 3
        for name in ("one", "two", "three"):
            (folder / f"{name}.yaml").write_text(matrix(volumes=4))  # within a file's limit; two exceed the loader's
        (folder / "good.yaml").write_text(good("third"))
        wait(lambda: "over-budget" in processor.report(), processor)
        wait(lambda: processor.dags().get("soak.good") == "third", processor)

        # A pass may start between two of these writes. The DAG that is built first stays, whichever it is.
        def others() -> list[str]:
            return sorted(name for name in ("one", "two", "three") if f"soak.{name}" not in processor.dags())

        def has_converged() -> bool:
            report = processor.report()
            return len(others()) == 2 and all(f"`soak.{name}` has no DAG yet" in report for name in others())

        wait(has_converged, processor)
        assert "too-much-work" not in processor.report()
