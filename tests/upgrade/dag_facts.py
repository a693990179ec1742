"""Print what the loader of a project gives to Airflow, as JSON: the facts that an upgrade must not change.

Run as ``python dag_facts.py CHECKOUT``. The program runs the checkout's own ``dags/loader.py`` and
``dags/import_errors.py`` and imports nothing of this project itself, so it also runs with the code of old releases.
"""

from __future__ import annotations

import json
import re
import runpy
import sys
from pathlib import Path
from typing import Any

from airflow.sdk import DAG
from airflow.serialization.serialized_objects import DagSerialization
from kubernetes.client import ApiClient

TEXTS = ("doc_md", "description", "dag_display_name", "_operator_name", "_operator_extra_links")
"""Fields with words for a reader. They may change in any release."""
CODE = ("pre_execute",)
"""Fields of which Airflow stores the source code."""
OF_THE_MACHINE = ("fileloc", "relative_fileloc", "_processor_dags_folder", "_task_module")
"""Fields that name files and modules."""
OF_THE_PROVIDER = ("template_fields", "template_fields_renderers")
"""Fields of a task that Airflow's provider sets, and extends now and then."""
NEW = ("deadline",)
"""Fields of a DAG that keys set which had no effect in an old release."""
ALERTS = ("has_on_failure_callback", "has_on_success_callback", "has_on_retry_callback")
"""Whether a task or a DAG sends alerts, which no release before 0.2.0 did."""
OWN_DAGS = "_dagwright."
"""The first part of the ids of DAGs that are not pipelines."""
ENDS_OF_TRIES = ("job", "has_retry_policy", "log_events_on_failure", "log_events_on_startup", "fail_waiting_after")
"""Arguments of a task that say how a failed try ends, and what its log contains. They do not change the pod."""
LABELS_OF_THE_PROVIDER = ("airflow_version", "kubernetes_pod_operator_version", "airflow_kpo_in_cluster")
"""Labels of a pod that change with Airflow."""


def main(checkout: Path) -> None:
    """Print the DAGs by id, and the text of the row in Airflow's Import Errors."""
    found = runpy.run_path(str(checkout / "dags" / "loader.py")).values()
    dags = {dag.dag_id: describe(dag) for dag in found if isinstance(dag, DAG) and not dag.dag_id.startswith(OWN_DAGS)}
    print(json.dumps({"dags": dags, "import_error": import_error(checkout)}, sort_keys=True, default=str))


def import_error(checkout: Path) -> str:
    """Return what ``import_errors.py`` raises; an empty text if it raises nothing."""
    try:
        runpy.run_path(str(checkout / "dags" / "import_errors.py"))
    except Exception as error:
        return str(error)
    return ""


def describe(dag: DAG) -> dict[str, Any]:
    """Return a DAG as Airflow stores it, and the pod of each task that is not mapped."""
    pods = {task.task_id: pod(task) for task in dag.tasks if hasattr(task, "build_pod_request_obj")}
    stored = {key: value for key, value in DagSerialization.to_dict(dag)["dag"].items() if key not in NEW}
    return {"dag": without_texts(stored), "pods": pods}


def pod(task: Any) -> Any:
    """Return the pod that the operator would create, in Kubernetes' own JSON."""
    found = ApiClient().sanitize_for_serialization(task.build_pod_request_obj(dry_run=True))
    found["metadata"]["name"] = re.sub(r"-[a-z0-9]{8}$", "", found["metadata"].get("name", ""))
    for label in LABELS_OF_THE_PROVIDER:
        found["metadata"]["labels"].pop(label, None)
    return found


def without_texts(value: Any) -> Any:
    """Return the value without texts, code, names of modules, ends of tries and nulls, at every depth."""
    if isinstance(value, dict):
        left_out = {*TEXTS, *CODE, *OF_THE_MACHINE, *OF_THE_PROVIDER, *ENDS_OF_TRIES, *ALERTS}
        return {key: without_texts(one) for key, one in value.items() if key not in left_out and one is not None}
    return [without_texts(one) for one in value] if isinstance(value, list) else value


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
