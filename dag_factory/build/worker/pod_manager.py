"""Read logs and outputs of pods completely.

``PodManager`` (provider 10.25) silently stops reading a log 120 s after the container ended, or when the connection
breaks after that. It reads an output as text in which invalid bytes are replaced. If the connection is lost, it treats
the part that it has read as the whole output.
"""

from __future__ import annotations

from collections import deque
from contextlib import closing
from typing import Any

import urllib3
from airflow.providers.cncf.kubernetes.kubernetes_helper_functions import generic_api_retry
from airflow.providers.cncf.kubernetes.utils.pod_manager import (
    EMPTY_XCOM_RESULT,
    PodLoggingStatus,
    PodLogsConsumer,
    PodManager,
)
from airflow.providers.cncf.kubernetes.utils.xcom_sidecar import PodDefaults
from kubernetes.stream import stream

from dag_factory.build.pod.client_objects import to_fragment
from dag_factory.build.worker import outputs
from dag_factory.build.worker.errors import OutputError
from dag_factory.build.worker.tries.evidence import LAST_LINES

_READ_COMMAND = f"if [ -s {outputs.FILE} ]; then cat {outputs.FILE}; else echo {EMPTY_XCOM_RESULT}; fi"
_ATTEMPTS = 3  # to read the rest of a log after its container ended

NO_OUTPUT: Any = object()
"""Stands for the output of a job that wrote none; ``None`` is a JSON null."""


class JobPodManager(PodManager):
    """Reads the whole log and the whole output.

    After reading, ``output`` is the value that the job wrote, or ``unreadable`` is the reason why it cannot be used.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.output: Any = NO_OUTPUT
        self.unreadable: OutputError | None = None
        self.interruptions: list[Exception] = []
        self.last_lines: deque[str] = deque(maxlen=LAST_LINES)
        self.open_groups = 0

    def run_pod_async(self, pod: Any, **options: Any) -> Any:
        """Create the pod. ``PodManager`` logs the whole pod and a stack trace if the cluster refuses it."""
        return self._client.create_namespaced_pod(pod.metadata.namespace, to_fragment(pod), **options)

    def _log_message(self, message: str, *options: Any) -> None:
        if message.startswith(("::group::", "::endgroup::")):  # a program may write them, too
            self.open_groups = max(0, self.open_groups + (1 if message.startswith("::group::") else -1))
        self.last_lines.append(message)
        super()._log_message(message, *options)

    def fetch_container_logs(
        self, pod: Any, container_name: str, *, since_time: Any = None, **options: Any
    ) -> PodLoggingStatus:
        """Copy the whole log of the container to the log of the task. Log a warning if that is impossible."""
        for _ in range(_ATTEMPTS):
            status = super().fetch_container_logs(pod, container_name, since_time=since_time, **options)
            if status.running or not self.interruptions:
                return status
            # The container has ended, so one request without `follow` reads the rest. A following stream may not end.
            since_time, options["follow"] = status.last_log_time, False
        self.log.warning(
            "The log of container %r is incomplete: reading its end failed %d times (%s).",
            container_name,
            _ATTEMPTS,
            self.interruptions[-1],
        )
        return status

    def read_pod_logs(self, pod: Any, container_name: str, **options: Any) -> PodLogsConsumer:
        """Return a stream that continues until the end of the log."""
        self.interruptions.clear()  # of earlier streams: this one continues where they ended
        try:
            consumer = super().read_pod_logs(pod, container_name, **options)
        except urllib3.exceptions.HTTPError as failure:
            self.interruptions.append(failure)
            raise
        return _WholeLog(consumer, self)

    @generic_api_retry  # type: ignore[untyped-decorator]
    def extract_xcom_json(self, pod: Any) -> str:
        """Return the text of the job's output, which is valid JSON.

        Raises ``OutputError`` if the file cannot be read or is not valid.
        """
        try:
            data = self._read_output(pod)
            if data.rstrip() == EMPTY_XCOM_RESULT.encode():
                return EMPTY_XCOM_RESULT
            self.output = outputs.parse(data)
            return data.decode("utf-8-sig")
        except OutputError as failure:
            self.unreadable = failure
            raise

    def _read_output(self, pod: Any) -> bytes:
        connection: Any = stream(  # the stubs say `str`, the type for `_preload_content=True`
            self._client.connect_get_namespaced_pod_exec,
            pod.metadata.name,
            pod.metadata.namespace,
            container=PodDefaults.SIDECAR_CONTAINER_NAME,
            command=["/bin/sh", "-c", _READ_COMMAND],
            stdin=False,
            stdout=True,
            stderr=True,
            tty=False,
            binary=True,
            _preload_content=False,
        )
        with closing(connection) as client:
            chunks, size = [], 0  # the client's own buffer needs quadratic time
            while client.is_open():
                client.update(timeout=None)
                chunks.append(client.read_stdout(timeout=0))
                size += len(chunks[-1])
                outputs.check_size(size)
            stderr = client.read_stderr(timeout=0).decode(errors="replace").strip()
            try:
                code = client.returncode
            except (TypeError, KeyError, ValueError):  # no exit code: the connection was lost before the end
                raise urllib3.exceptions.ProtocolError(f"{outputs.FILE} was only read in part") from None
        if code:
            raise OutputError(f"{outputs.FILE} cannot be read: {stderr or f'exit code {code}'}")
        return b"".join(chunks)


class _WholeLog(PodLogsConsumer):
    """A log stream without a time limit. The read timeout of its request limits a stream that hangs."""

    def __init__(self, consumer: PodLogsConsumer, manager: JobPodManager) -> None:
        super().__init__(consumer.response, consumer.pod, manager, consumer.container_name)
        self._interruptions = manager.interruptions

    def __iter__(self) -> Any:
        try:
            yield from super().__iter__()
        except urllib3.exceptions.HTTPError as failure:
            self._interruptions.append(failure)
            raise

    def logs_available(self) -> bool:
        return True
