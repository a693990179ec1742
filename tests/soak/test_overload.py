"""Commits with too much work for a loader, in a real DAG processor: all other DAGs are still updated."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from soak import Processor, project, running

SECONDS = 300  # far more than a pass takes
NAMES = ("one", "two", "three")


def matrix(volumes: int) -> str:
    """Return a file of a few kB that gives a thousand jobs, each with this number of volumes."""
    mounts = ", ".join(f"{{pvc: c{n}, mount_path: /v{n}}}" for n in range(volumes))
    axes = f"{{a: [{', '.join(map(str, range(25)))}], b: [{', '.join(map(str, range(10)))}]}}"
    jobs = "".join(f"  j{number}: {{matrix: {axes}}}\n" for number in range(4))
    return f"version: 1\ndefaults: {{docker_image: i, resource_flavor: cpu-small, volumes: [{mounts}]}}\njobs:\n{jobs}"


def good(description: str) -> str:
    return f"version: 1\ndescription: {description}\ndefaults: {{docker_image: i, resource_flavor: cpu-small}}\n"


def write(folder: Path, name: str, text: str) -> None:
    """Write a pipeline in one step: the processor reads at any time."""
    partial = folder / f".{name}.partial"
    partial.write_text(text)
    partial.replace(folder / f"{name}.yaml")


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
    write(folder, "good", good("first"))
    with running(tmp_path / "project", "local", 10) as processor:
        wait(lambda: processor.dags() == {"soak.good": "first"}, processor)
        for name in NAMES:
            write(folder, name, matrix(volumes=38))
        write(folder, "good", good("second"))
        wait(lambda: processor.report().count("too-much-work") == 3, processor)
        assert all(f"soak/{name}.yaml" in processor.report() for name in NAMES)
        wait(lambda: processor.dags() == {"soak.good": "second"}, processor)
        for name in NAMES:
            write(folder, name, matrix(volumes=4))  # within a file's limit; two exceed the loader's
        write(folder, "good", good("third"))
        wait(lambda: "over-budget" in processor.report(), processor)
        wait(lambda: processor.dags().get("soak.good") == "third", processor)

        # A pass may start between two of these writes. The DAG that is built first stays, whichever it is.
        def others() -> list[str]:
            dags = processor.dags()
            return sorted(name for name in NAMES if f"soak.{name}" not in dags)

        def has_converged() -> bool:
            missing, report = others(), processor.report()
            are_reported = all(f"`soak.{name}` is not built" in report for name in missing)
            return len(missing) == 2 and are_reported and "too-much-work" not in report

        wait(has_converged, processor)
