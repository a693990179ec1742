"""Local images: the folder that replaces an image, and the warning if there is none."""

from __future__ import annotations

from pathlib import Path

import pytest
from written import Written

from dag_factory.cluster.process.images import local_images as cluster_images
from dag_factory.config import open_project
from dag_factory.config.platform import local_images

TABLE = 'version: 1\ncluster: {local: {images: {"known/*:*": {folder: code}}}}\n'


def problem_codes(image: str, environment: str = "local", folders: dict[str, str] | None = None) -> list[str]:
    """The codes of the problems of a pipeline with this image; ``folders`` are files below the project's home."""
    files = {f"../{name}": text for name, text in (folders or {}).items()}
    written = Written(f'jobs: {{a: {{docker_image: "{image}"}}}}', environments={environment: TABLE}, files=files)
    return [f"{one.severity} {one.code}" for one in written.compiled(environment).problems]


@pytest.mark.parametrize(
    "image",
    ["busybox", "docker.io/library/python:3.11", "known/x:1", "acme/{{ run_id }}:1", "alpine@sha256:" + "0" * 64],
)
def test_image_of_this_machine(image: str) -> None:
    assert problem_codes(image) == []


@pytest.mark.parametrize("image", ["acme/churn:1", "known/x/y", "python:2.7", "registry.acme.io/busybox:1"])
def test_image_without_a_folder_is_a_warning(image: str) -> None:
    assert problem_codes(image, folders={}) == ["warning no-local-image"]
    assert problem_codes(image, environment="prod") == []


@pytest.mark.parametrize(
    "image", ["growth/churn", "registry.acme.io:5000/a/growth/churn:1", "growth/churn@sha256:" + "0" * 64]
)
def test_folder_replaces_images_whose_name_ends_with_its_path(image: str) -> None:
    assert problem_codes(image, folders={"images/growth/churn/requirements.txt": ""}) == []
    assert problem_codes(image, folders={"images/growth/churn/main.py": ""}) == ["warning no-local-image"]
    assert problem_codes(image, folders={"images/growth/other/Dockerfile": ""}) == ["warning no-local-image"]


def test_table_overrides_folders_and_longer_names_come_first(tmp_path: Path) -> None:
    folders = {f"../images/{name}/Dockerfile": "" for name in ("churn", "growth/churn", "x")}
    home = Written(environments={"local": TABLE}, files=folders).into(tmp_path)
    found = open_project(home, "local").tables.images
    assert list(found.items())[:2] == [("known/*:*", "code"), ("*/growth/churn:*", "images/growth/churn")]
    assert list(found.values()).index("images/growth/churn") < list(found.values()).index("images/churn")


def test_links_and_deeper_folders_are_ignored(tmp_path: Path) -> None:
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret/Dockerfile").touch()
    (tmp_path / "home/images/a/b/c/d").mkdir(parents=True)
    (tmp_path / "home/images/a/b/c/d/Dockerfile").touch()
    (tmp_path / "home/images/link").symlink_to(tmp_path / "secret")
    from dag_factory.config.source.image_folders import folders

    assert folders(tmp_path / "home") == ()


def test_new_folder_ends_a_cached_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAG_FACTORY_CACHE", str(tmp_path / "cache"))
    written = Written('jobs: {a: {docker_image: "acme/churn:1"}}', environments={"local": TABLE})
    home = written.into(tmp_path / "home")
    assert [one.code for one in open_project(home, "local").compile_all().problems] == ["no-local-image"]
    (home / "images/churn").mkdir(parents=True)
    (home / "images/churn/Dockerfile").touch()
    assert open_project(home, "local").compile_all().problems == ()


def test_host_images_match_the_local_cluster() -> None:
    assert local_images.HOST_IMAGES == cluster_images.HOST_IMAGES
