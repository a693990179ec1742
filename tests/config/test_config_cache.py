"""The cache between processes, and the last good versions of DAGs."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import msgspec
import pytest

import dag_factory.config
from dag_factory.config import Compiled, open_project
from dag_factory.config.file_results import FileResult
from dag_factory.config.pipelines import compile_file as compiling
from dag_factory.config.project.shards import Shard
from dag_factory.config.project.survey import survey
from dag_factory.config.schema import registry
from dag_factory.config.storage import package_files
from dag_factory.config.storage.cache_entries import LastGood
from dag_factory.config.storage.file_store import Store

FLAVORS = "version: 1\nflavors: {small: {cpu: 1, memory: 1Gi}, large: {cpu: 8, memory: 9Gi}}\n"
NOBODY = 65534
ONE = "version: 1\ndescription: one\ndefaults: {docker_image: i, resource_flavor: small}\n"
FAMILY = """\
version: 1
template: regional@v1
instances: {de: {country: DE}, fr: {country: FR}}
"""
TEMPLATE = """\
version: 1
inputs: {country: {type: string, pattern: "^[A-Z]+$"}}
---
defaults: {docker_image: "load-${{ inputs.country | lower }}", resource_flavor: small}
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DAG_FACTORY_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("DAG_FACTORY_LAST_GOOD", raising=False)
    write(tmp_path, "platform/flavors.yaml", FLAVORS)
    write(tmp_path, "platform/environments/dev.yaml", "version: 1\n")
    write(tmp_path, "platform/templates/pipelines/regional/v1.yaml.j2", TEMPLATE)
    write(tmp_path, "pipelines/team/one.yaml", ONE)
    write(tmp_path, "pipelines/team/two.yaml", ONE.replace("small}", "large}"))
    write(tmp_path, "pipelines/team/family.yaml", FAMILY)
    return tmp_path


def write(home: Path, name: str, text: str) -> None:
    path = home / "configs" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(dedent(text))


def compiled(home: Path) -> Compiled:
    return open_project(home, "dev").compile_all()


def ids(found: Compiled) -> list[str]:
    """The DAGs by id, last good versions in parentheses."""
    return [f"({one.id})" if one.current_errors else one.id for one in found.pipelines]


@pytest.fixture
def count(monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[str]]:
    """The ids of files compiled since the last call."""
    made: list[str] = []
    compile_file = compiling.compile_file

    def counted(file_id: str, *rest: object, **more: object) -> object:
        made.append(file_id)
        return compile_file(file_id, *rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(compiling, "compile_file", counted)

    def since() -> list[str]:
        reported, made[:] = list(made), []
        return reported

    return since


ALL = ["team.family.de", "team.family.fr", "team.one", "team.two"]


def test_a_second_process_compiles_only_what_changed(home: Path, count: Callable[[], list[str]]) -> None:
    cold = compiled(home)
    assert count() == ["team.family", "team.one", "team.two"]
    assert compiled(home) == cold and count() == []
    write(home, "pipelines/team/one.yaml", ONE.replace("one", "other"))
    assert [one.description for one in compiled(home).pipelines if one.id == "team.one"] == ["other"]
    assert count() == ["team.one"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("platform/flavors.yaml", FLAVORS.replace("8", "4")),
        ("platform/environments/dev.yaml", "version: 1\ntimezone: Europe/Berlin\n"),
        ("platform/environments/prod.yaml", "version: 1\n"),
        ("platform/templates/pipelines/regional/v1.yaml.j2", TEMPLATE + "tags: [new]\n"),
        ("platform/templates/jobs/added/v1.yaml.j2", "version: 1\n---\n"),
    ],
)
def test_a_changed_table_compiles_everything_again(
    home: Path, count: Callable[[], list[str]], name: str, text: str
) -> None:
    compiled(home)
    count()
    write(home, name, text)
    compiled(home)
    assert count() == ["team.family", "team.one", "team.two"]


def test_environments_do_not_share_cache_entries(home: Path) -> None:
    write(home, "platform/environments/prod.yaml", "version: 1\nflavors: {define: {small: {cpu: 2}}}\n")
    for environment, cpu in (("dev", "1"), ("prod", "2"), ("dev", "1")):
        (one,) = open_project(home, environment).compile_one("team.one").pipelines
        assert one.jobs[0].flavor.limits["cpu"] == cpu
        open_project(home, environment).compile_all()


@pytest.mark.parametrize("damage", ["truncate", "garbage", "empty", "remove", "pipe", "folder", "link"])
def test_a_damaged_entry_is_compiled_again(home: Path, damage: str) -> None:
    cold = compiled(home)
    for path in (path for path in (home / "cache").rglob("*") if path.is_file()):
        data = path.read_bytes()
        if damage in ("truncate", "garbage", "empty"):
            path.write_bytes({"truncate": data[:-3], "garbage": data[:20] + b"x" + data[21:], "empty": b""}[damage])
            continue
        path.unlink()
        if damage == "pipe":
            os.mkfifo(path)
        elif damage == "folder":
            path.mkdir()
        elif damage == "link":
            path.symlink_to("/dev/zero")
    assert compiled(home) == cold
    assert compiled(home) == cold


def test_renamed_entries_are_compiled_again(home: Path, count: Callable[[], list[str]]) -> None:
    before = ids(compiled(home))
    entries = [path for path in (home / "cache").rglob("*") if path.is_file() and len(path.name) == 40]
    texts = [path.read_bytes() for path in entries]
    assert len(texts) > 3
    for path, text in zip(entries, [*texts[1:], texts[0]], strict=True):
        path.write_bytes(text)
    count()
    assert ids(compiled(home)) == before
    assert sorted(count()) == ["team.family", "team.one", "team.two"]


@pytest.mark.parametrize("folder", ["off", "/proc/nowhere/cache", "/dev/null/cache"])
def test_everything_works_without_a_cache_folder(home: Path, monkeypatch: pytest.MonkeyPatch, folder: str) -> None:
    monkeypatch.setenv("DAG_FACTORY_CACHE", folder)
    assert ids(compiled(home)) == ALL and ids(compiled(home)) == ALL


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can hand a folder to another user")
def test_a_folder_of_another_user_is_not_used(home: Path, count: Callable[[], list[str]]) -> None:
    compiled(home)
    (folder,) = (home / "cache").iterdir()
    os.chown(folder, 12345, 12345)
    count()
    compiled(home)
    assert len(count()) == 3


def test_a_folder_that_others_may_write_to_is_not_used(home: Path, count: Callable[[], list[str]]) -> None:
    compiled(home)
    (folder,) = (home / "cache").iterdir()
    folder.chmod(0o777)
    count()
    compiled(home)
    assert len(count()) == 3


def test_only_its_owner_may_read_the_folder(home: Path) -> None:
    compiled(home)
    (folder,) = (home / "cache").iterdir()
    assert stat.S_IMODE(folder.stat().st_mode) & 0o077 == 0


def test_a_store_trims_old_entries_but_never_needed_ones(tmp_path: Path) -> None:
    store = Store(tmp_path / "store", max_entries=3)
    for number in range(10):
        store.put(f"n{number}", b"x")
        os.utime(tmp_path / "store" / f"n{number}", (number, number))
    store.trim(needed={"n0"})
    assert store.by_age() == ["n0", "n7", "n8", "n9"]


@pytest.mark.parametrize("name", ["../flavors", "a\0b", "/etc/passwd", "..", "", "n" * 5_000])
def test_a_list_of_last_good_versions_may_name_anything(home: Path, name: str) -> None:
    compiled(home)
    (own,) = (path for path in (home / "cache").iterdir() if path.is_dir())
    goods = {"team.one": LastGood("team.one", name)}
    Store(own / "last_good").put("dev", msgspec.msgpack.encode(goods))
    write(home, "pipelines/team/one.yaml", "version: [")
    assert ids(compiled(home)) == [dag_id for dag_id in ALL if dag_id != "team.one"]


BROKEN = {
    "a wrong word": ONE.replace("resource_flavor", "resource_flavour"),
    "no yaml": "version: [",
    "an unknown flavor": ONE.replace("small", "smal"),
    "empty": "",
}


@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN)
def test_a_broken_pipeline_keeps_its_last_good_version_and_reports_it(home: Path, text: str) -> None:
    good = next(one for one in compiled(home).pipelines if one.id == "team.one")
    write(home, "pipelines/team/one.yaml", text)
    found = compiled(home)
    assert ids(found) == ["team.family.de", "team.family.fr", "(team.one)", "team.two"]
    assert any(problem.file.endswith("one.yaml") for problem in found.problems)
    held = next(one for one in found.pipelines if one.id == "team.one")
    assert held.jobs == good.jobs and held.current_errors
    assert ids(compiled(home)) == ids(found)
    write(home, "pipelines/team/one.yaml", ONE)
    assert ids(compiled(home)) == ALL


def test_a_worker_sees_the_same_model_as_the_processor(home: Path) -> None:
    compiled(home)
    write(home, "pipelines/team/one.yaml", "version: [")
    write(home, "pipelines/team/family.yaml", "version: [")
    processor = {one.id: one for one in compiled(home).pipelines}
    for dag_id in ALL:
        (worker,) = open_project(home, "dev").compile_one(dag_id).pipelines
        assert worker == processor[dag_id]


def test_with_a_broken_table_every_pipeline_keeps_its_last_good_version(home: Path) -> None:
    compiled(home)
    write(home, "platform/flavors.yaml", "version: [")
    assert ids(compiled(home)) == [f"({one})" for one in ALL]


def test_pipelines_with_a_broken_flavor_keep_their_last_good_version(home: Path) -> None:
    compiled(home)
    write(home, "platform/flavors.yaml", FLAVORS.replace("9Gi", "nine"))
    assert ids(compiled(home)) == ["team.family.de", "team.family.fr", "team.one", "(team.two)"]


def test_only_the_broken_instance_keeps_its_last_good_version(home: Path) -> None:
    compiled(home)
    write(home, "pipelines/team/family.yaml", FAMILY.replace("FR", "fr"))
    assert ids(compiled(home)) == ["team.family.de", "(team.family.fr)", "team.one", "team.two"]


def test_a_deleted_file_removes_its_dag_which_does_not_come_back_broken(home: Path) -> None:
    compiled(home)
    (home / "configs/pipelines/team/one.yaml").unlink()
    for _ in range(2):
        assert "team.one" not in ids(compiled(home))
    write(home, "pipelines/team/one.yaml", "version: [")
    assert [one for one in ids(compiled(home)) if "one" in one] == []


def test_a_file_that_a_checkout_removes_briefly_is_not_forgotten(home: Path) -> None:
    compiled(home)
    for _ in range(2):
        (home / "configs/pipelines/team/one.yaml").unlink()
        assert "team.one" not in ids(compiled(home))
        write(home, "pipelines/team/one.yaml", "version: [")
        assert "(team.one)" in ids(compiled(home))


def test_text_that_cannot_be_stored_is_not_a_write_failure(home: Path) -> None:
    """One pipeline with half a surrogate pair must not make other passes longer."""
    opened = open_project(home, "dev").cache()
    opened.put("one", FileResult("\ud800", "one.yaml", ()))
    assert (opened.get("one"), opened.write_failed) == (None, False)


def test_a_missing_folder_of_pipelines_is_reported_and_nothing_is_forgotten(home: Path) -> None:
    before = ids(compiled(home))
    pipelines, elsewhere = home / "configs/pipelines", home / "configs/pipeline"
    pipelines.rename(elsewhere)
    for _ in range(3):
        found = compiled(home)
        reported = [(problem.code, problem.severity) for problem in found.problems]
        assert (ids(found), reported) == ([], [("no-pipelines", "error")])
    assert found.problems == open_project(home, "dev").problems()
    assert [problem.severity for problem in survey(home).problems] == ["warning"]  # it may never have had any
    elsewhere.rename(pipelines)
    write(home, "pipelines/team/one.yaml", "version: [")
    assert ids(compiled(home)) == [f"({name})" if name == "team.one" else name for name in before]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else for a while")
def test_dags_in_an_unreadable_folder_keep_their_last_good_version(home: Path) -> None:
    write(home, "pipelines/other/one.yaml", ONE)
    before = ids(compiled(home))
    folder = home / "configs/pipelines/team"
    folder.chmod(0)
    for path in (home / "cache", *(home / "cache").rglob("*")):
        os.chown(path, NOBODY, NOBODY)
    open_way(home)
    os.seteuid(NOBODY)
    try:
        for _ in range(3):
            found = compiled(home)
            assert sorted(ids(found)) == sorted(name if "other" in name else f"({name})" for name in before)
            assert [(problem.code, problem.file) for problem in found.problems] == [
                ("unreadable", "configs/pipelines/team")
            ]
        assert ids(open_project(home, "dev").compile_one("team.one")) == ["(team.one)"]
    finally:
        os.seteuid(0)
    folder.chmod(0o755)
    assert sorted(ids(compiled(home))) == sorted(before)


def open_way(home: Path) -> None:
    """Let every user reach ``home``."""
    for folder in (home, *home.parents):
        if folder.stat().st_uid == 0 and "pytest" in str(folder):
            folder.chmod(0o755)


def test_a_removed_instance_is_not_a_broken_one(home: Path) -> None:
    compiled(home)
    write(home, "pipelines/team/family.yaml", "version: 1\ntemplate: regional@v1\ninstances: {de: {country: DE}}\n")
    assert ids(compiled(home)) == ["team.family.de", "team.one", "team.two"]


def test_a_new_pipeline_that_was_never_valid_has_no_dag(home: Path) -> None:
    compiled(home)
    write(home, "pipelines/team/new.yaml", "version: [")
    assert ids(compiled(home)) == ALL


def test_last_good_versions_can_be_turned_off(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compiled(home)
    monkeypatch.setenv("DAG_FACTORY_LAST_GOOD", "off")
    write(home, "pipelines/team/one.yaml", "version: [")
    assert "team.one" not in [one.id for one in compiled(home).pipelines]


def test_shards_divide_the_files_and_keep_their_own_last_good_versions(home: Path) -> None:
    for number in range(40):
        write(home, f"pipelines/team/many{number}.yaml", ONE)
    everything = set(ids(compiled(home)))
    project = open_project(home, "dev")
    parts = [set(ids(project.compile_all(Shard(index, 4)))) for index in range(4)]
    assert set.union(*parts) == everything and sum(map(len, parts)) == len(everything)
    assert all(parts)
    write(home, "pipelines/team/one.yaml", "version: [")
    held = [one for index in range(4) for one in ids(project.compile_all(Shard(index, 4))) if one.startswith("(")]
    assert held == ["(team.one)"]
    assert ids(project.compile_one("team.one")) == ["(team.one)"]


@pytest.mark.parametrize(("index", "count"), [(4, 4), (-1, 2), (0, 0)])
def test_there_is_no_such_shard(index: int, count: int) -> None:
    with pytest.raises(ValueError, match="no shard"):
        Shard(index, count)


def test_a_process_with_a_warm_cache_imports_no_compiler(home: Path) -> None:
    compiled(home)
    program = (
        "import sys; from dag_factory.config import open_project;"
        f"found = open_project(__import__('pathlib').Path({str(home)!r}), 'dev').compile_all();"
        "modules = 'dag_factory.config.pipelines.compile_file', 'jinja2';"
        "print(len(found.pipelines), *(name in sys.modules for name in modules))"
    )
    reported = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout.split()
    assert reported == [str(len(ALL)), "False", "False"]


def test_tables_that_change_during_a_pass_are_read_again(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A checkout after the digest of the tables is taken and before they are used."""
    made = compiling.compile_file

    def in_mid_pass(*given: object, **more: object) -> object:
        monkeypatch.setattr(compiling, "compile_file", made)
        write(home, "platform/flavors.yaml", FLAVORS.replace("cpu: 1", "cpu: 3"))
        return made(*given, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(compiling, "compile_file", in_mid_pass)

    def cpus() -> set[str]:
        return {one.jobs[0].flavor.limits["cpu"] for one in compiled(home).pipelines if one.id != "team.two"}

    assert cpus() == {"3"}
    write(home, "platform/flavors.yaml", FLAVORS)
    assert cpus() == {"1"}


def test_new_shards_take_over_last_good_versions(home: Path) -> None:
    project = open_project(home, "dev")
    project.compile_all()
    write(home, "pipelines/team/one.yaml", "version: [")
    held = [one for index in range(4) for one in ids(open_project(home, "dev").compile_all(Shard(index, 4)))]
    assert sorted(held) == sorted(["team.family.de", "team.family.fr", "(team.one)", "team.two"])
    write(home, "pipelines/team/one.yaml", ONE.replace("one", "newer"))
    for index in range(4):
        open_project(home, "dev").compile_all(Shard(index, 4))
    write(home, "pipelines/team/one.yaml", "version: [")
    assert "newer" in [one.description for one in compiled(home).pipelines if one.current_errors]


def test_a_worker_lists_neither_the_pipelines_nor_the_cache(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compiled(home)
    write(home, "pipelines/team/two.yaml", "version: [")
    compiled(home)
    listed, scandir = [], os.scandir

    def listing(path: str | Path) -> object:
        listed.append(Path(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", listing)
    for dag_id in ("team.one", "team.two", "team.family.de"):
        assert open_project(home, "dev").compile_one(dag_id).pipelines
    assert listed and all(path.is_relative_to(home / "configs/platform") for path in listed)


def test_a_deleted_dag_is_forgotten_after_the_shards_changed(home: Path) -> None:
    """No loader owns the lists of the old shards: a DAG that only they named came back broken."""
    project = open_project(home, "dev")
    for index in range(4):
        project.compile_all(Shard(index, 4))
    (home / "configs/pipelines/team/one.yaml").unlink()
    for _ in range(2):
        for index in range(2):
            open_project(home, "dev").compile_all(Shard(index, 2))
    assert "team.one" not in project.cache().last_good()
    write(home, "pipelines/team/one.yaml", "version: [")
    shown = [one for index in range(2) for one in ids(open_project(home, "dev").compile_all(Shard(index, 2)))]
    assert [one for one in shown if "team.one" in one] == []
    assert {path.name for path in (home / "cache").glob("*/last_good/*")} <= {"dev.0-of-2", "dev.1-of-2"}


def test_cache_keys_depend_on_every_module_of_the_compiler(home: Path) -> None:
    compiled(home)
    (home / "cache").rename(home / "old-cache")
    program = (
        "import sys; from dag_factory.config import open_project; from dag_factory.config.storage import package_files;"
        f"open_project(__import__('pathlib').Path({str(home)!r}), 'dev').compile_all();"
        "used = {one.__file__ for name, one in sys.modules.items() if name.partition('.')[0] == 'dag_factory'};"
        "unknown = sorted(used - set(map(str, package_files.package_files())));"
        "print(*unknown, 'dag_factory.config.pipelines.compile_file' in sys.modules)"
    )
    reported = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout
    assert reported.split() == ["True"]
    config = Path(dag_factory.config.__file__).parent
    assert {*config.rglob("*.py")} <= {*package_files.package_files()}
    assert config.parent / "settings.py" in package_files.package_files()
    assert {path.name for path in registry.folder().rglob("*.json")} <= {
        path.name for path in package_files.package_files()
    }


def test_cache_keys_depend_on_modules_in_packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "dag_factory"
    for folder in ("storage", "guards"):
        (package / "config" / folder).mkdir(parents=True)
    for name in ("__init__.py", "settings.py", "config/storage/cache.py", "config/guards/images.py"):
        (package / name).write_text("")
    monkeypatch.setattr(dag_factory, "__file__", str(package / "__init__.py"))
    marks = []
    for name in ("settings.py", "config/storage/cache.py", "config/guards/images.py"):
        (package / name).write_text("# changed\n")
        package_files.package_fingerprint.cache_clear()
        marks.append(package_files.package_fingerprint())
    package_files.package_fingerprint.cache_clear()
    assert len(set(marks)) == 3
