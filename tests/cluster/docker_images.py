"""Images for the Docker engine of the tests, made of this machine's files: nothing can be pulled here."""

from __future__ import annotations

import asyncio
import io
import re
import subprocess
import sys
import sysconfig
import tarfile
from pathlib import Path

from airflow.providers.cncf.kubernetes.utils.xcom_sidecar import PodDefaults

from dag_factory.cluster.docker.http import DockerApi

_LEFT_OUT = re.compile(
    r"site-packages|dist-packages|test|tests|__pycache__|config-.*|ensurepip|idlelib|tkinter|lib2to3|pydoc_data|.*\.a"
)


def make(host: str) -> None:
    """The sidecar's image under its name, and ``python:3.11`` of this interpreter in the place where it is."""
    asyncio.run(_make(DockerApi(Path(host.removeprefix("unix://")))))


async def _make(api: DockerApi) -> None:
    repository, _, tag = PodDefaults.SIDECAR_CONTAINER.image.partition(":")
    await api.ask("POST", "/images/busybox:stable/tag", repo=repository, tag=tag)
    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w") as archive:
        _python(archive)
        text = b"FROM busybox:stable\nADD files.tar /\n"
    context = io.BytesIO()
    with tarfile.open(fileobj=context, mode="w") as archive:
        for name, data in (("Dockerfile", text), ("files.tar", layer.getvalue())):
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    said = [line async for line in api.lines("POST", "/build", context.getvalue(), t="python:3.11")]
    assert not any("error" in line for line in said), said


def _python(archive: tarfile.TarFile) -> None:
    program = Path(getattr(sys, "_base_executable", sys.executable)).resolve()
    library = Path(sysconfig.get_path("stdlib", vars={"installed_base": sys.base_prefix}))
    archive.add(library, library, filter=lambda entry: None if _LEFT_OUT.fullmatch(Path(entry.name).name) else entry)
    needing = [program, *library.glob("lib-dynload/*.so")]
    needs = subprocess.run(["ldd", *needing], capture_output=True, text=True).stdout.split()
    wanted = {program} | {Path(word) for word in needs if word.startswith("/") and not word.endswith(":")}
    for file in wanted:
        archive.add(file.resolve(), file)
    link = tarfile.TarInfo("bin/python")
    link.type, link.linkname = tarfile.SYMTYPE, str(program)
    archive.addfile(link)
