"""A pass with a time limit: the order of the files, and what happens to postponed ones."""

from __future__ import annotations

import resource
import time
from pathlib import Path

import pytest

from dag_factory.config import Compiled, open_project
from dag_factory.config.budget import OutOfTime
from dag_factory.config.file_results import FileResult
from dag_factory.config.pipelines import compile_file as compiling
from dag_factory.config.project import pass_scheduler
from dag_factory.config.storage.read_file import Text
from dag_factory.settings import BOUNDS

ONE = "version: 1\ndescription: one\ndefaults: {docker_image: i, resource_flavor: small}\n"
TWO = ONE.replace("one", "two")
BROKEN = ONE.replace("small", "smal")
FAMILY = "version: 1\ntemplate: regional@v1\ninstances: {de: {country: DE}, fr: {country: FR}}\n"
TEMPLATE = """\
version: 1
inputs: {country: {type: string}}
---
description: one
defaults: {docker_image: "load-${{ inputs.country | lower }}", resource_flavor: small}
"""
ALL = ["team.family.de", "team.family.fr", "team.first", "team.last"]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with a warm cache."""
    monkeypatch.setenv("DAG_FACTORY_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("DAG_FACTORY_LAST_GOOD", raising=False)
    write(tmp_path, "platform/flavors.yaml", "version: 1\nflavors: {small: {cpu: 1, memory: 1Gi}}\n")
    write(tmp_path, "platform/environments/dev.yaml", "version: 1\n")
    write(tmp_path, "platform/templates/pipelines/regional/v1.yaml.j2", TEMPLATE)
    write(tmp_path, "pipelines/team/family.yaml", FAMILY)
    write(tmp_path, "pipelines/team/first.yaml", ONE)
    write(tmp_path, "pipelines/team/last.yaml", ONE)
    assert sorted(one.id for one in compiled(tmp_path).pipelines) == ALL
    return tmp_path


def write(home: Path, name: str, text: str) -> None:
    path = home / "configs" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def compiled(home: Path, seconds: float | None = None) -> Compiled:
    return open_project(home, "dev").compile_all(seconds=seconds)


def said(found: Compiled) -> dict[str, str | None]:
    """The descriptions of the DAGs, last good versions in parentheses."""
    return {one.id: f"({one.description})" if one.current_errors else one.description for one in found.pipelines}


def test_without_time_every_dag_keeps_its_old_version(home: Path) -> None:
    write(home, "platform/flavors.yaml", "version: 1\nflavors: {small: {cpu: 2, memory: 1Gi}}\n")
    write(home, "pipelines/team/first.yaml", TWO)
    write(home, "pipelines/team/new.yaml", ONE)
    found = compiled(home, 0)
    assert said(found) == dict.fromkeys(ALL, "one")
    assert found.postponed == tuple(
        f"configs/pipelines/team/{name}.yaml" for name in ("family", "first", "last", "new")
    )
    assert not found.problems
    found = compiled(home, 60)
    assert said(found) == {**dict.fromkeys([*ALL, "team.new"], "one"), "team.first": "two"}
    assert not found.postponed


def test_postponed_files_are_not_forgotten(home: Path) -> None:
    write(home, "pipelines/team/first.yaml", TWO)
    write(home, "pipelines/team/family.yaml", FAMILY.replace("DE", "D"))
    compiled(home, 0)
    write(home, "pipelines/team/first.yaml", BROKEN)
    write(home, "pipelines/team/family.yaml", "version: 2\n")
    assert said(compiled(home, 60)) == {**dict.fromkeys(ALL, "(one)"), "team.last": "one"}


def test_a_pass_without_time_does_not_cache_that_there_are_no_problems(home: Path) -> None:
    write(home, "pipelines/team/first.yaml", BROKEN)
    assert not compiled(home, 0).problems
    assert not open_project(home, "dev").problems(0)
    assert [problem.code for problem in open_project(home, "dev").problems(60)] == ["unknown-flavor"]


def test_a_file_in_the_place_of_an_instance_is_the_dag(home: Path) -> None:
    changed = FAMILY.replace("fr: {country: FR}", "uk: {country: UK}")
    write(home, "pipelines/team/family/fr.yaml", TWO)
    for number, seconds in enumerate((None, 0)):
        write(home, "pipelines/team/family.yaml", f"{changed}# {number}\n")
        found = compiled(home, seconds)
        assert [one.description for one in found.pipelines if one.id == "team.family.fr"] == ["two"]


@pytest.mark.parametrize("setting", ["DAG_FACTORY_CACHE", "DAG_FACTORY_LAST_GOOD"])
def test_files_without_a_last_good_version_are_not_postponed(
    home: Path, setting: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(setting, "off")
    write(home, "pipelines/team/first.yaml", TWO)
    found = compiled(home, 0)
    assert said(found) == {**dict.fromkeys(ALL, "one"), "team.first": "two"}
    assert not found.postponed


def test_nothing_waits_forever_if_the_cache_cannot_be_written(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = compiling.compile_file

    def slowly(*arguments: object) -> FileResult:
        end = time.monotonic() + 0.1
        while time.monotonic() < end:
            pass
        return made(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(compiling, "compile_file", slowly)
    write(home, "platform/flavors.yaml", "version: 1\nflavors: {small: {cpu: 2, memory: 1Gi}}\n")
    assert compiled(home, 0.05).postponed
    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    write(home, "platform/flavors.yaml", "version: 1\nflavors: {small: {cpu: 3, memory: 1Gi}}\n")
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, most))  # as on a disk that is full
    try:
        assert not compiled(home, 0.05).postponed
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))


@pytest.mark.parametrize("cache", ["on", "off"])
def test_slow_files_come_last(home: Path, cache: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if cache == "off":
        monkeypatch.setenv("DAG_FACTORY_CACHE", "off")
    opened = open_project(home, "dev").cache()
    calls: list[tuple[str, float]] = []

    def compile_file(text: Text, name: str, seconds: float) -> tuple[FileResult, str]:
        calls.append((text.id, seconds))
        if text.id == "slow" and seconds < BOUNDS.file_seconds:
            raise OutOfTime
        return FileResult(text.id, text.file, ()), name

    def take(seconds: float | None) -> list[str]:
        calls.clear()
        texts = [Text(name, f"{name}.yaml", b"") for name in ("first", "slow", "last")]
        collected = pass_scheduler.collect_results(
            texts, opened, lambda text: (None, opened and f"{text.id}-1"), compile_file, seconds
        )
        assert [one.id for one, _ in collected.results] == [
            text.id for text in texts if text not in collected.postponed
        ]
        return [text.id for text in collected.postponed]

    moment, whole = BOUNDS.quick_seconds, BOUNDS.file_seconds
    assert take(None) == []
    assert calls == [("first", whole), ("slow", whole), ("last", whole)]
    assert take(60) == []
    assert calls == [("first", moment), ("slow", moment), ("last", moment), ("slow", whole)]
    assert take(60) == []
    again = [("slow", moment)] if cache == "off" else []  # elsewhere it is known to be slow
    assert calls == [("first", moment), *again, ("last", moment), ("slow", whole)]
    assert take(0) == (["slow"] if cache == "off" else ["first", "slow", "last"])


def test_many_slow_files_take_several_passes_and_delay_no_other_file(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = compiling.compile_file

    def slow(file_id: str, *rest: object) -> FileResult:
        end = time.process_time() + BOUNDS.quick_seconds * 2
        while "slow" in file_id and time.process_time() < end:
            pass
        return made(file_id, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(compiling, "compile_file", slow)
    names = [f"slow-{number}" for number in range(5)]
    for name in (*names, "zzz"):
        write(home, f"pipelines/team/{name}.yaml", ONE)
    passes = [compiled(home, BOUNDS.quick_seconds * 3)]
    while passes[-1].postponed:
        passes.append(compiled(home, BOUNDS.quick_seconds * 3))
        assert len(passes[-1].postponed) <= len(passes[-2].postponed)
        assert len(passes) < 30
    slow_ones = {f"team.{name}" for name in names}
    assert len(passes) > 2
    assert all("team.zzz" in said(found) for found in passes if slow_ones & {*said(found)})
    assert {*said(passes[-1])} == {*ALL, "team.zzz", *slow_ones}
