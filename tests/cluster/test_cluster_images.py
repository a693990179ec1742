"""Images of folders: Dockerfiles, virtual environments, and the errors when an environment can't be created."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest
from live import Live, pod, running, until

from dag_factory.cluster.config import ImageSource
from dag_factory.cluster.process.images import dockerfile, local_images
from dag_factory.cluster.runtime.engine import PullError


def _wheel(folder: Path, name: str, text: str) -> str:
    """A wheel of one module, which installs without a network."""
    file = folder / f"{name}-1.0-py3-none-any.whl"
    info = f"{name}-1.0.dist-info"
    with zipfile.ZipFile(file, "w") as wheel:
        wheel.writestr(f"{name}.py", text)
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        wheel.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{info}/RECORD", "")
    return file.name


def test_a_folder_runs_as_its_dockerfile_defines(live: Live, image_folder: Path) -> None:
    live.run(pod("entry", container={"image": "examples/job:1", "command": []}))
    assert live.log("entry") == "/app ['--default'] hello there\n"
    live.run(pod("entryargs", container={"image": "examples/job:2", "command": [], "args": ["--mine"]}))
    assert live.log("entryargs") == "/app ['--mine'] hello there\n"
    assert not (image_folder / "made-here").exists()


def test_requirements_are_installed_once(tmp_path: Path) -> None:
    folder = tmp_path / "with-needs"
    folder.mkdir()
    (folder / "requirements.txt").write_text(f"./{_wheel(folder, 'dagf_demo', 'WORD = 41')}\n")
    (folder / "main.py").write_text("import dagf_demo, sys; print(dagf_demo.WORD, sys.prefix)\n")
    container = {"image": "needs:1", "command": ["python", "main.py"]}
    with running(tmp_path / "c", images={"needs:*": folder}, venvs=tmp_path / "venvs") as live:
        for name in ("needs1", "needs2", "needs3"):
            live.create(pod(name, container=container))
        for name in ("needs1", "needs2", "needs3"):
            live.phase(name, "Succeeded")
        word, prefix = live.log("needs1").split()
        assert word == "41"
        assert Path(prefix).parent == tmp_path / "venvs"
        assert len([path for path in (tmp_path / "venvs").iterdir() if path.is_dir()]) == 1
        reasons = [reason for _, reason, _ in live.events("needs1")]
        assert reasons == ["Scheduled", "Pulling", "Pulled", "Created", "Started"]
        live.run(pod("needs4", container=container))
        assert ("Normal", "Pulled", 'Container image "needs:1" already present on machine') in live.events("needs4")


def test_a_failed_installation_is_a_failed_pull(tmp_path: Path) -> None:
    (tmp_path / "image").mkdir()
    (tmp_path / "image" / "requirements.txt").write_text("./not-there-1.0-py3-none-any.whl\n")
    with running(tmp_path / "c", images={"broken:*": tmp_path / "image"}) as live:
        name = live.create(pod("broken", container={"image": "broken:1"}))
        until(lambda: any("not-there" in text for kind, _, text in live.events(name) if kind == "Warning"))
        live.waits_for(name, "ErrImagePull")
        venvs = [path for path in (tmp_path / "c" / "venvs").iterdir() if path.is_dir()]
        assert venvs == []


def test_a_running_cluster_reads_a_changed_table(tmp_path: Path, image_folder: Path) -> None:
    table = tmp_path / "tables" / "table.json"
    table.parent.mkdir()
    table.write_text("{}")
    source = ImageSource(("cat", str(table)), (table.parent,))
    with running(tmp_path / "c", image_source=source) as live:
        name = live.create(pod("late", container={"image": "late:1", "command": []}))
        live.waits_for(name, "ErrImagePull")
        assert "no folder for this image: add it under cluster.local.images" in str(live.events(name))
        table.write_text(json.dumps({"late:*": str(image_folder)}))
        live.phase(name, "Succeeded")
        table.write_text("this is not JSON")
        live.run(pod("later", container={"image": "late:2", "command": []}))


@pytest.mark.parametrize(
    "name", ["alpine:3", "alpine", "docker.io/library/busybox:stable", "python:3.12-slim", "debian@sha256:" + "0" * 64]
)
def test_images_that_this_machine_provides(tmp_path: Path, name: str) -> None:
    assert local_images.Images({}, tmp_path, tmp_path).get(name)


@pytest.mark.parametrize("name", ["python:2.7", "nginx:1", "registry.example.org/alpine:3", "me/python:3"])
def test_images_that_this_machine_does_not_provide(tmp_path: Path, name: str) -> None:
    assert local_images.Images({}, tmp_path, tmp_path).get(name) is None


@pytest.mark.parametrize("name", ["UPPER CASE:::", "UPPER:1", "a b", "a:b:c", "", "-x/y"])
def test_invalid_image_names(tmp_path: Path, name: str) -> None:
    with pytest.raises(PullError) as failure:
        local_images.Images({}, tmp_path, tmp_path).get(name)
    assert failure.value.reason == "InvalidImageName"


def test_the_supported_instructions_of_a_dockerfile() -> None:
    recipe = dockerfile.read(
        """
        # syntax=docker/dockerfile:1
        FROM node AS build
        ENTRYPOINT ["no"]
        FROM python:3.11-slim
        ENV A=1 B="two words" \\
            # a comment in between
            C=$A
        ENV OLD style of it
        WORKDIR /srv
        WORKDIR app
        COPY --chown=1:1 . .
        COPY --from=build /x /y
        COPY config/settings.toml /etc/app/
        RUN pip install x
        CMD python -m app
        """
    )
    assert recipe.env == {"A": "1", "B": "two words", "C": "", "OLD": "style of it"}
    assert recipe.workdir == "/srv/app"
    assert recipe.entrypoint == ()
    assert recipe.cmd == ("/bin/sh", "-c", "python -m app")
    assert recipe.copies == ((".", "/srv/app"), ("config/settings.toml", "/etc/app/settings.toml"))


def test_files_at_the_root_the_user_of_the_image_and_strict_volumes(tmp_path: Path) -> None:
    """One cluster for several images, because starting one takes time."""
    for name, instructions in (
        ("root", "WORKDIR /\nCMD sh job.sh\n"),
        ("etc", "COPY etc /etc\nUSER 1234\n"),
        ("named", "USER app\n"),
    ):
        (tmp_path / name / "etc").mkdir(parents=True)
        (tmp_path / name / "Dockerfile").write_text(f"FROM alpine\n{instructions}")
        (tmp_path / name / "job.sh").write_text("cat /etc/mine; test -s /etc/passwd && test -e /proc/1 && pwd")
        (tmp_path / name / "etc" / "mine").write_text("mine\n")
    images = {f"{name}:*": tmp_path / name for name in ("root", "etc", "named")}
    with running(tmp_path / "c", images=images, strict_volumes=True) as live:
        live.run(pod("at-root", container={"image": "root:1", "command": None}))
        assert live.log("at-root") == "mine\n/\n"
        container = {"image": "etc:1", "command": ["sh", "-c", "cat /etc/mine; wc -l </etc/passwd; id -u"]}
        live.run(pod("in-etc", container=container, securityContext={"runAsNonRoot": True}))
        lines = len(Path("/etc/passwd").read_text().splitlines())
        assert live.log("in-etc").split() == ["mine", str(lines), "1234"]
        name = live.create(pod("named", container={"image": "named:1"}, securityContext={"runAsNonRoot": True}))
        state = live.waits_for(name, "CreateContainerConfigError")["status"]["containerStatuses"][0]["state"]
        assert "image has non-numeric user (app), cannot verify user is non-root" in state["waiting"]["message"]
        mounts = {"volumeMounts": [{"name": "v", "mountPath": "/v"}]}
        for number, group in enumerate((None, 2000)):
            context = {"runAsUser": 1000, **({"fsGroup": group} if group else {})}
            volumes = [{"name": "v", "persistentVolumeClaim": {"claimName": f"claim-{number}"}}]
            script = "touch /v/f 2>/dev/null && stat -c %g /v/f || echo denied"
            live.run(pod(f"strict-{number}", script, container=mounts, volumes=volumes, securityContext=context))
        assert (live.log("strict-0"), live.log("strict-1")) == ("denied\n", "2000\n")
