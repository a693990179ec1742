"""One Airflow on this machine: PostgreSQL or else SQLite, LocalExecutor, bound to loopback, no login."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import random
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from dag_factory.local import postgres, processes
from dag_factory.local.api import AirflowApi
from dag_factory.local.processes import Process
from dag_factory.settings import INSTALL_HINT

# The components of Airflow with their commands. The API for tasks is a process of its own. With SQLite, in one process
# they would block each other: a user's request that writes blocks the event loop until a task's request has written,
# and the task's request needs the event loop.
COMPONENTS = {
    "api-server": ["api-server", "--apps", "core"],
    "execution-api": ["api-server", "--apps", "execution"],
    "scheduler": ["scheduler", "--skip-serve-logs"],
    "dag-processor": ["dag-processor"],
    "triggerer": ["triggerer", "--skip-serve-logs"],
}
_LOG_SETTINGS = "dag_factory.local.task_log_reader.LOGGING_CONFIG"
_PORTS = range(15_000, 32_000)
_REPORT_EVERY = 10  # seconds
_HEALTHY = ("metadatabase", "scheduler", "dag_processor", "triggerer")


class LocalError(Exception):
    """Airflow cannot run on this machine. The message has the reason and, where possible, a fix."""


class _State(msgspec.Struct, frozen=True):
    port: int
    processes: tuple[Process, ...]


@dataclass(frozen=True)
class Instance:
    """An Airflow with its files in ``folder``, for the project in ``home``.

    ``connections`` are Airflow connections by id, in Airflow's JSON format. ``dags`` is the folder of DAG files, by
    default that of the project. ``left_out`` are components that do not run, ``options`` more environment variables.
    """

    home: Path
    folder: Path
    environment: str
    connections: dict[str, str]
    dags: Path | None = None
    left_out: tuple[str, ...] = ()
    options: dict[str, str] = field(default_factory=dict)

    @property
    def components(self) -> dict[str, list[str]]:
        """The commands of the components by their names."""
        return {name: command for name, command in COMPONENTS.items() if name not in self.left_out}

    @property
    def logs(self) -> Path:
        """The folder of the logs of the components. The logs of tasks are in ``task_logs``."""
        return self.folder / "logs"

    @property
    def task_logs(self) -> Path:
        """The folder of the logs of tasks."""
        return self.folder / "airflow" / "logs"

    def settings(self, port: int, tasks_port: int | None = None) -> dict[str, str]:
        """The environment variables of the Airflow processes.

        ``port`` is the port of the UI. ``tasks_port`` is the port of the API for tasks, if it is another one.
        """
        url = f"http://127.0.0.1:{port}"
        own = {
            "AIRFLOW_HOME": str(self.folder / "airflow"),
            "AIRFLOW__CORE__DAGS_FOLDER": str(self.dags or self.home / "dags"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "false",
            # SQLite has one writer at a time. The scheduler dies if it cannot write within this time (default: 5 s).
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": self._database(60),
            "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
            "AIRFLOW__CORE__PARALLELISM": "8",
            "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "false",  # a pipeline sets `paused: true` itself
            # No log server, which would listen on all addresses of the machine. The API server reads the log files
            # itself if the host name of a task is empty.
            "AIRFLOW__CORE__HOSTNAME_CALLABLE": "builtins.str",
            # Airflow may notice the end of a task's process this much later. With the default, 5 s, it sometimes takes
            # a job that defers for killed, because the trigger fires before the first process has ended.
            "AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL": "1",
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{tasks_port or port}/execution/",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "true",
            "AIRFLOW__API__HOST": "127.0.0.1",
            "AIRFLOW__API__PORT": str(port),
            "AIRFLOW__API__BASE_URL": url,
            "AIRFLOW__API__WORKERS": "1",
            "AIRFLOW__API__DEFAULT_WRAP": "True",  # the last line of a failed try is a long one
            "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "5",
            "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "15",
            "AIRFLOW__DAG_PROCESSOR__STALE_DAG_THRESHOLD": "10",  # a deleted pipeline disappears within seconds
            "AIRFLOW__SCHEDULER__PARSING_CLEANUP_INTERVAL": "5",
            "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "false",
            "DAG_FACTORY_HOME": str(self.home),
            "DAG_FACTORY_ENV": self.environment,
            "DAG_FACTORY_CACHE": str(self.folder / "cache"),
            "PYTHONUNBUFFERED": "1",
            **self.options,
        }
        # The connection has the cluster. With a KUBECONFIG besides, the triggerer accepts neither.
        foreign = ("AIRFLOW", "KUBECONFIG")
        inherited = {key: value for key, value in os.environ.items() if not key.startswith(foreign)}
        return inherited | own | {f"AIRFLOW_CONN_{key.upper()}": value for key, value in self.connections.items()}

    def running(self) -> AirflowApi | None:
        """The API of this instance, None unless all its processes run."""
        state = self._read()
        if (
            state is None
            or len(state.processes) < len(self.components)
            or not all(one.alive for one in state.processes)
        ):
            return None
        return AirflowApi(state.port)

    def start(self, port: int, seconds: float = 600, report: Callable[[str], None] = lambda _: None) -> AirflowApi:
        """Start every component and wait until all are healthy. Raises ``LocalError``.

        ``report`` is called with the progress, as text for the user. A text that ends with ``…`` says what is under
        way; any other is a remark, which should stay visible.
        """
        self.stop()  # processes of an earlier start may still run
        check_port(port)
        tasks_port = free_port()
        (self.folder / "airflow").mkdir(parents=True, exist_ok=True)
        started: list[Process] = []
        try:
            report("Preparing Airflow's database …")
            started += self._start_database(report)
            self._write(_State(port, tuple(started)))
            settings = self.settings(port, tasks_port)
            self._migrate(settings)
            report(f"Starting {', '.join(self.components)} (logs: {self.logs}) …")
            for name, command in self.components.items():
                own = {
                    "execution-api": {"AIRFLOW__API__PORT": str(tasks_port)},
                    "api-server": {
                        # Two requests of users can block each other too, for at most this time.
                        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": self._database(10),
                        "AIRFLOW__LOGGING__LOGGING_CONFIG_CLASS": _LOG_SETTINGS,
                    },
                }.get(name, {})
                started.append(processes.start(name, [_airflow(), *command], settings | own, self.logs))
                self._write(_State(port, tuple(started)))
            return self._wait(AirflowApi(port), AirflowApi(tasks_port), started, seconds, report)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> bool:
        """Stop every component. Returns whether any of them ran."""
        state = self._read()
        if state is None:
            return False
        alive = any(process.alive for process in state.processes)
        processes.stop([process for process in state.processes if process.name != postgres.NAME])
        processes.stop([process for process in state.processes if process.name == postgres.NAME])
        self._file.unlink(missing_ok=True)
        return alive

    def _database(self, seconds: int) -> str:
        """The address of the database, for a process that waits at most this long to write to SQLite."""
        if self._address_file.exists():
            return self._address_file.read_text()
        return f"sqlite:///{self.folder / 'airflow' / 'airflow.db'}?timeout={seconds}"

    def _start_database(self, report: Callable[[str], None]) -> list[Process]:
        """Start PostgreSQL. Without it, the database is SQLite, and there is no process."""
        self._address_file.unlink(missing_ok=True)
        try:
            server, address = postgres.start(self.folder / "airflow" / "postgres", free_port(), self.logs)
        except postgres.NoPostgres as failure:
            report(
                f"PostgreSQL cannot run here ({failure}). Airflow uses SQLite: many requests at once may have to wait."
            )
            return []
        self._address_file.touch(mode=0o600)
        self._address_file.write_text(f"postgresql+psycopg2://{address}")
        return [server]

    @property
    def _address_file(self) -> Path:
        return self.folder / "airflow" / "database-address"

    def _migrate(self, settings: dict[str, str]) -> None:
        """Migrate the database to this version of Airflow. Quick if it already has this version."""
        result = subprocess.run(
            [_airflow(), "db", "migrate"], env=settings, capture_output=True, text=True, errors="replace", check=False
        )
        if result.returncode:
            raise LocalError(f"Airflow could not set up its database:\n{result.stdout[-2000:]}{result.stderr[-2000:]}")

    def _wait(
        self,
        api: AirflowApi,
        tasks: AirflowApi,
        started: list[Process],
        seconds: float,
        report: Callable[[str], None],
    ) -> AirflowApi:
        began = reported = time.monotonic()
        deadline = began + seconds
        while True:
            for process in started:
                if not process.alive:
                    end = processes.tail(process.log)
                    raise LocalError(
                        f"Airflow's {process.name} ended during the start. The end of {process.log}:\n{end}"
                    )
            health = api.health()
            waiting = [name for name in _HEALTHY if name not in self.left_out and health.get(name) != "healthy"]
            waiting += [] if tasks.answers("/execution/health/ping") else ["execution_api"]
            if not waiting:
                return api
            now = time.monotonic()
            if now - reported >= _REPORT_EVERY:
                reported = now
                report(f"Waiting for {', '.join(waiting)} ({now - began:.0f} s of at most {seconds:.0f}) …")
            if now > deadline:
                names = ", ".join(waiting)
                raise LocalError(
                    f"Airflow was not ready after {seconds:.0f} s (not healthy: {names}). Logs: {self.logs}"
                )
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
    """An Airflow connection to the cluster of a kubeconfig file, in Airflow's JSON format."""
    return json.dumps({"conn_type": "kubernetes", "extra": {"kube_config_path": str(kubeconfig)}})


def check_port(port: int) -> None:
    """Check that the port of loopback is free. Raises ``LocalError``."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as failure:
            reason = (
                "is already in use" if failure.errno == errno.EADDRINUSE else f"cannot be used ({failure.strerror})"
            )
            raise LocalError(
                f"port {port} {reason}; choose another port: dagf up --port {port + 1}, or make up PORT={port + 1}"
            ) from None


def free_port() -> int:
    """A port of loopback that is free at the moment.

    It is outside the range that Linux assigns to connections, so that it is still free when Airflow listens, seconds
    later.
    """
    for port in random.sample(_PORTS, len(_PORTS)):
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            return port
    raise LocalError("no port of this machine is free")


def _airflow() -> str:
    """The ``airflow`` command of this Python environment. Raises ``LocalError`` if there is none."""
    command = Path(sys.executable).parent / "airflow"
    if not command.exists():
        raise LocalError(f"Airflow is not installed; {INSTALL_HINT}")
    return str(command)
