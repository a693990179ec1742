"""The output of a job at the end of its try."""

from __future__ import annotations

from typing import Any

from airflow.sdk.bases.xcom import BaseXCom
from airflow.sdk.configuration import conf

from dag_factory.build.worker import outputs
from dag_factory.build.worker.errors import PodDeleted
from dag_factory.build.worker.pod_manager import NO_OUTPUT, JobPodManager


def check_output(operator: Any, manager: JobPodManager, result: Any, context: Any) -> Any:
    """Return the output of the job, after checking that the jobs that map over it can use it.

    Raises ``OutputError``, and ``PodDeleted`` if the pod was gone before its output was read.
    """
    if not operator.do_xcom_push:
        return result
    # If ``execute`` finds a finished pod of a deferrable job, it reads the output but does not return it.
    value = manager.output if result is None else result
    if value is NO_OUTPUT and operator.pod is None:  # gone before the task resumed
        raise PodDeleted("the pod was deleted before its output was read, by somebody or together with its node")
    ti = context["ti"]
    names = () if ti.map_index is not None and ti.map_index >= 0 else runners(operator)
    if value is NO_OUTPUT:
        outputs.check_exists(names)
        return None
    outputs.check_items(value, names, conf.getint("core", "max_map_length", fallback=1024))
    if value is None:  # Airflow does not store a None that a task returns
        ti.xcom_push(BaseXCom.XCOM_RETURN_KEY, None)
        ti.xcom_push(outputs.NULL_KEY, True)
    return value


def runners(operator: Any) -> tuple[str, ...]:
    """Return the jobs that map over the output of this job."""
    return tuple(sorted(one.node_id for one in operator.iter_mapped_dependants()))
