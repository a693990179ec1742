"""One Airflow on this machine: SQLite, LocalExecutor, bound to loopback, no login."""

from __future__ import annotations

import contextlib
import json
import os
import random
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from dag_factory.local import processes
from dag_factory.local.api import AirflowApi
from dag_factory.local.processes import Process
from dag_factory.settings import INSTALL

# Airflow's parts with their commands. The API that tasks talk to is a process of its own: with SQLite a request that
# writes, of a person's, stops the event loop until a task's request has written, which needs that event loop.
COMPONENTS = {
    "api-server": ["api-server", "--apps", "core"],
    "execution-api": ["api-server", "--apps", "execution"],
    "scheduler": ["scheduler", "--skip-serve-logs"],
    "dag-processor": ["dag-processor"],
    "triggerer": ["triggerer", "--skip-serve-logs"],
}
_PORTS = range(15_000, 32_000)
_SAY_EVERY = 10  # seconds
_HEALTHY = ("metadatabase", "scheduler", "dag_processor", "triggerer")


class LocalError(Exception):
    """Something on this machine is in the way; the message says what, and what to do."""


class _State(msgspec.Struct, frozen=True):
    port: int
    processes: tuple[Process, ...]


@dataclass(frozen=True)
class Instance:
    """An Airflow whose files lie in ``folder``, for the project in ``home``.

    ``connections`` are Airflow connections by id, each as Airflow's JSON form of a connection.
    """

    home: Path
    folder: Path
    environment: str
    connections: dict[str, str]

    @property
    def logs(self) -> Path:
        """Where the components write their logs; the tasks' are in ``airflow/logs`` beside it."""
        return self.folder / "logs"

    @property
    def task_logs(self) -> Path:
        """Where Airflow writes the logs of tasks."""
        return self.folder / "airflow" / "logs"

    def settings(self, port: int, tasks_port: int | None = None) -> dict[str, str]:
        """Environment variables of every Airflow process: the UI's port, and the one of the API for tasks if apart."""
        url = f"http://127.0.0.1:{port}"
        own = {
            "AIRFLOW_HOME": str(self.folder / "airflow"),
            "AIRFLOW__CORE__DAGS_FOLDER": str(self.home / "dags"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "false",
            # SQLite has one writer at a time. A scheduler that waited in vain for its turn, 5 s by default, is dead.
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": self._database(60),
            "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
            "AIRFLOW__CORE__PARALLELISM": "8",
            "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "false",  # a pipeline says `paused: true` itself
            # No server of logs, which would listen on every address of the machine: the API server reads the
            # files. It asks the host that a task names; where that is empty, it does not.
            "AIRFLOW__CORE__HOSTNAME_CALLABLE": "builtins.str",
            # Airflow may notice this long after it that a task's process has ended. With the default, 5 s, a job that
            # defers is then sometimes taken for killed: its trigger has fired before the first process is done.
            "AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL": "1",
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{tasks_port or port}/execution/",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "true",
            "AIRFLOW__API__HOST": "127.0.0.1",
            "AIRFLOW__API__PORT": str(port),
            "AIRFLOW__API__BASE_URL": url,
            "AIRFLOW__API__WORKERS": "1",
            "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "5",
            "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "15",
            "AIRFLOW__DAG_PROCESSOR__STALE_DAG_THRESHOLD": "10",  # a deleted pipeline goes within seconds
            "AIRFLOW__SCHEDULER__PARSING_CLEANUP_INTERVAL": "5",
            "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "false",
            "DAG_FACTORY_HOME": str(self.home),
            "DAG_FACTORY_ENV": self.environment,
            "DAG_FACTORY_CACHE": str(self.folder / "cache"),
            "PYTHONUNBUFFERED": "1",
        }
        # The connection names the cluster; a KUBECONFIG beside it makes the triggerer refuse both.
        foreign = ("AIRFLOW", "KUBECONFIG")
        inherited = {key: value for key, value in os.environ.items() if not key.startswith(foreign)}
        return inherited | own | {f"AIRFLOW_CONN_{key.upper()}": value for key, value in self.connections.items()}

    def running(self) -> AirflowApi | None:
        """The API of this instance, if all its processes run."""
        state = self._read()
        if state is None or len(state.processes) < len(COMPONENTS) or not all(one.alive for one in state.processes):
            return None
        return AirflowApi(state.port)

    def start(self, port: int, seconds: float = 600, say: Callable[[str], None] = lambda _: None) -> AirflowApi:
        """Start every component and wait until all are healthy. Raises ``LocalError`` with the reason.

        ``say`` is called with what is being done, for the person who waits.
        """
        self.stop()  # what is left of one that did not end well
        check_port(port)
        tasks_port = free_port()
        settings = self.settings(port, tasks_port)
        (self.folder / "airflow").mkdir(parents=True, exist_ok=True)
        say("Preparing Airflow's database …")
        self._migrate(settings)
        say(f"Starting {', '.join(COMPONENTS)}; their logs: {self.logs}")
        started: list[Process] = []
        try:
            for name, command in COMPONENTS.items():
                own = {
                    "execution-api": {"AIRFLOW__API__PORT": str(tasks_port)},
                    # Two requests of people's at once may stand in each other's way too, for as long as this.
                    "api-server": {"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": self._database(10)},
                }.get(name, {})
                started.append(processes.start(name, [_airflow(), *command], settings | own, self.logs))
                self._write(_State(port, tuple(started)))
            return self._wait(AirflowApi(port), AirflowApi(tasks_port), started, seconds, say)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> bool:
        """End every component. Returns whether there was something to end."""
        state = self._read()
        if state is None:
            return False
        alive = any(process.alive for process in state.processes)
        processes.stop(state.processes)
        self._file.unlink(missing_ok=True)
        return alive

    def _database(self, seconds: int) -> str:
        """The address of the database, for a process that waits so long for its turn to write."""
        return f"sqlite:///{self.folder / 'airflow' / 'airflow.db'}?timeout={seconds}"

    def _migrate(self, settings: dict[str, str]) -> None:
        """Bring the database up to this Airflow's version: a moment where it is so already."""
        done = subprocess.run(
            [_airflow(), "db", "migrate"], env=settings, capture_output=True, text=True, errors="replace", check=False
        )
        if done.returncode:
            raise LocalError(f"Airflow could not set up its database:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")

    def _wait(
        self,
        api: AirflowApi,
        tasks: AirflowApi,
        started: list[Process],
        seconds: float,
        say: Callable[[str], None],
    ) -> AirflowApi:
        began = said = time.monotonic()
        deadline = began + seconds
        while True:
            for process in started:
                if not process.alive:
                    end = processes.tail(process.log)
                    raise LocalError(f"Airflow's {process.name} ended while it started; {process.log} says:\n{end}")
            health = api.health()
            waiting = [name for name in _HEALTHY if health.get(name) != "healthy"]
            waiting += [] if tasks.answers("/execution/health/ping") else ["execution_api"]
            if not waiting:
                return api
            now = time.monotonic()
            if now - said >= _SAY_EVERY:
                said = now
                say(f"Waiting for {', '.join(waiting)} ({now - began:.0f} s of at most {seconds:.0f}) …")
            if now > deadline:
                names = ", ".join(waiting)
                raise LocalError(f"Airflow was not ready after {seconds:.0f} s ({names}); its logs: {self.logs}")
            time.sleep(0.2)

    @property
    def _file(self) -> Path:
        return self.folder / "airflow.json"

    def _read(self) -> _State | None:
        try:
            return msgspec.json.decode(self._file.read_bytes(), type=_State)
        except (OSError, msgspec.MsgspecError):
            return None

    def _write(self, state: _State) -> None:
        self._file.write_bytes(msgspec.json.encode(state))


def kubernetes_connection(kubeconfig: Path) -> str:
    """An Airflow connection to the cluster of a kubeconfig file, in Airflow's JSON form."""
    return json.dumps({"conn_type": "kubernetes", "extra": {"kube_config_path": str(kubeconfig)}})


def check_port(port: int) -> None:
    """Raises ``LocalError`` where something listens on the port already."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as failure:
            reason = "is taken" if failure.errno == 98 else f"cannot be used ({failure.strerror})"
            raise LocalError(f"Port {port} {reason}. Choose another one: make up PORT={port + 1}") from None


def free_port() -> int:
    """A port of loopback that nobody listens on just now.

    None of those that Linux gives to connections: until Airflow listens, seconds later, one of them may have it.
    """
    for port in random.sample(_PORTS, len(_PORTS)):
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            return port
    raise LocalError("no port of this machine is free")


def _airflow() -> str:
    """The ``airflow`` command of this Python's environment. Raises ``LocalError`` where there is none."""
    command = Path(sys.executable).parent / "airflow"
    if not command.exists():
        raise LocalError(f"Airflow is not installed here; {INSTALL}")
    return str(command)
