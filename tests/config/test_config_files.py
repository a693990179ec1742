"""Files as they come: empty, huge, in other encodings, linked away, or no files at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dag_factory.config.source.documents import read_document
from dag_factory.settings import BOUNDS


@pytest.fixture
def configs(tmp_path: Path) -> Path:
    folder = tmp_path / "configs"
    folder.mkdir()
    return folder


def read(configs: Path, data: bytes) -> tuple[object, list[str]]:
    path = configs / "f.yaml"
    path.write_bytes(data)
    return found(configs, path)


def found(configs: Path, path: Path) -> tuple[object, list[str]]:
    node, problems = read_document(path, configs, "configs/f.yaml")
    assert all(problem.hint for problem in problems)
    return node, [f"{problem.code} {problem.line}:{problem.column}" for problem in problems]


@pytest.mark.parametrize(
    "data", [b"version: 1\n", b"version: 1", b"\xef\xbb\xbfversion: 1\r\n", b"---\nversion: 1\n...\n"]
)
def test_is_read(configs: Path, data: bytes) -> None:
    node, problems = read(configs, data)
    assert node is not None
    assert problems == []


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", "empty-file 1:1"),
        (b"# only a comment\n", "empty-file 1:1"),
        (b"\xef\xbb\xbf", "empty-file 1:1"),
        (b"null\n", "wrong-type 1:1"),
        (b"- a\n", "wrong-type 1:1"),
        (b"\n\nword\n", "wrong-type 3:1"),
        (b"a: 1\nb: \xc3\xa9\xff\n", "not-utf-8 2:5"),
        ("version: 1\n".encode("utf-16"), "not-utf-8 1:1"),
        (b"\x7fELF\x00\x01", "yaml-syntax 1:1"),
        (b"a: 1\nb: \x00\n", "yaml-syntax 2:4"),
    ],
)
def test_unreadable_text_is_reported(configs: Path, data: bytes, expected: str) -> None:
    assert read(configs, data) == (None, [expected])


def test_a_file_over_the_bound_is_refused_without_reading_all_of_it(configs: Path) -> None:
    path = configs / "f.yaml"
    with path.open("wb") as stream:
        stream.truncate(1 << 40)
    assert found(configs, path) == (None, ["too-large 0:0"])
    assert read(configs, b"#" * (BOUNDS.file_bytes - 12) + b"\nversion: 1\n")[1] == []


def test_a_link_inside_configs_is_followed_and_one_that_leads_out_is_not(configs: Path, tmp_path: Path) -> None:
    (configs / "real.yaml").write_text("version: 1\n")
    (tmp_path / "secret.yaml").write_text("version: 1\n")
    for name, target in (("in", "real.yaml"), ("out", "../secret.yaml"), ("gone", "nowhere"), ("loop", "loop.yaml")):
        (configs / f"{name}.yaml").symlink_to(target)
    assert found(configs, configs / "in.yaml")[1] == []
    assert found(configs, configs / "out.yaml") == (None, ["outside-configs 0:0"])
    assert found(configs, configs / "gone.yaml") == (None, ["unreadable 0:0"])
    assert found(configs, configs / "loop.yaml") == (None, ["unreadable 0:0"])


def test_a_folder_a_pipe_and_a_device_are_no_files(configs: Path) -> None:
    (configs / "folder.yaml").mkdir()
    os.mkfifo(configs / "pipe.yaml")
    (configs / "device.yaml").symlink_to("/dev/zero")
    assert found(configs, configs / "folder.yaml") == (None, ["not-a-file 0:0"])
    assert found(configs, configs / "pipe.yaml") == (None, ["not-a-file 0:0"])
    assert found(configs, configs / "device.yaml") == (None, ["outside-configs 0:0"])


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_without_permission_is_reported(configs: Path) -> None:
    path = configs / "f.yaml"
    path.write_text("version: 1\n")
    path.chmod(0)
    assert found(configs, path) == (None, ["unreadable 0:0"])
