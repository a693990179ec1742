"""The task of a job that `dagf run` does not run: it returns the output of an earlier run, without a pod."""

from __future__ import annotations

from typing import Any

from airflow.sdk import BaseOperator
from airflow.sdk.bases.xcom import BaseXCom

from dag_factory.build.worker.outputs import NULL_KEY


class SavedOutput(BaseOperator):
    """Returns ``value``, a JSON value, as the output of the job."""

    custom_operator_name = "saved output, without a pod"  # what Airflow shows on the nodes of the graph

    def __init__(self, *, value: Any, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._value = value

    def execute(self, context: Any) -> Any:
        """Return the output. A null is marked, as the operator of a job marks it."""
        if self._value is None:  # Airflow does not store a None that a task returns
            context["ti"].xcom_push(key=BaseXCom.XCOM_RETURN_KEY, value=None)
            context["ti"].xcom_push(key=NULL_KEY, value=True)
        return self._value
