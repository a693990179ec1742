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
            (folder / f"{name}.yaml").write_text(
                matrix(volumes=4)
            )  # each is within the limit of a file, but two exceed that of the loader
        (folder / "good.yaml").write_text(good("third"))
        wait(lambda: "over-budget" in processor.report(), processor)
        wait(lambda: processor.dags().get("soak.good") == "third", processor)
        wait(lambda: "soak.two" in processor.dags(), processor)
        assert processor.dags().keys() == {"soak.good", "soak.two"}
        for name in ("one", "three"):
            assert f"`soak.{name}` has no DAG yet" in processor.report()
