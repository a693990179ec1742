"""``dagf render`` shows the pods that the operator sends, and the tasks and edges of the DAG."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from building import CARD, OVER_LIST, a_job, a_pipeline, built, rich_pipeline
from sent_pods import PROJECTS, ROOT, set_values

from dag_factory.config import model, open_project
from dag_factory.config.pod.labels import TRY_FLAVOR
from dag_factory.config.pod.operator_pod import XCOM_IMAGE, airflow_label, operator_pod
from dag_factory.overview.rendered import render

OF_THE_RUN = {"run_id", "try_number", "map_index", "airflow_version"}
_MARKS = re.compile(r"\{% (?:end_)?escape_dollars %\}|\{% filter label %\}(.*?)\{% endfilter %\}")


pytestmark = pytest.mark.usefixtures("no_connection")


def sent(task: Any, job: model.Job) -> dict[str, Any]:
    """The pod that the operator sends, without the marks of templates and what only a run knows."""
    from kubernetes.client import ApiClient

    if hasattr(task, "partial_kwargs"):
        task = task.unmap({"params": {}})
    ti = SimpleNamespace(dag_id=task.dag_id, task_id=task.task_id, map_index=-1, try_number=1)
    pod = task.build_pod_request_obj({"ti": ti, "run_id": "manual__1", "dag": None}, dry_run=True)
    task.try_job = job
    for callback in task.callbacks:
        callback.on_pod_manifest_created(pod_request=pod, client=None, mode="sync", context={}, operator=task)
    text = json.dumps(ApiClient().sanitize_for_serialization(pod))
    found: dict[str, Any] = json.loads(_MARKS.sub(r"\1", text))
    metadata = found["metadata"]
    metadata["labels"] = {name: value for name, value in metadata["labels"].items() if name not in OF_THE_RUN}
    if found["spec"].get("hostNetwork") is False:  # the default of Kubernetes
        del found["spec"]["hostNetwork"]
    return set_values(found)  # type: ignore[no-any-return]


def compare(pipeline: model.Pipeline) -> int:
    dag = built(pipeline)
    for job in pipeline.jobs:
        expected = sent(dag.task_dict[job.name], job)
        found = set_values(operator_pod(pipeline, job))
        name, suffix = expected["metadata"].pop("name").rsplit("-", 1)
        assert found["metadata"].pop("name") == name
        assert suffix
        if not pipeline.cluster.namespace:  # the connection's
            expected["metadata"].pop("namespace")
        assert json.dumps(found, indent=1, sort_keys=True) == json.dumps(expected, indent=1, sort_keys=True), job.name
    assert {task.id: set(task.upstream) for task in render(pipeline).dag.tasks} == {
        task.task_id: set(task.upstream_task_ids) for task in dag.tasks
    }
    return len(pipeline.jobs)


@pytest.mark.parametrize(("home", "environment"), PROJECTS, ids=lambda value: getattr(value, "name", value))
def test_the_pods_and_edges_of_all_example_and_real_pipelines(home: Path, environment: str) -> None:
    assert sum(map(compare, open_project(home, environment).compile_all().pipelines)) > 3


def test_the_pods_and_edges_of_mapped_jobs_groups_and_teardowns() -> None:
    group = model.ForEach(output="first", path=("rows",), own_task=True)
    assert compare(rich_pipeline()) == 7
    assert (
        compare(
            a_pipeline(
                a_job("first", output=True),
                a_job("each", for_each=OVER_LIST, depends_on=("first",)),
                a_job("load", group="g", mapped_group="g", depends_on=("first",)),
                a_job("check", group="g", mapped_group="g", depends_on=("load",)),
                a_job("list", for_each=model.ForEach(variable="ITEM", param="p", own_task=True)),
                groups={"g": group},
            )
        )
        == 5
    )


LABELED = {"metadata": {"labels": {"team": "a b", "gone": None, "run": "{{ run_id }}"}}}


@pytest.mark.parametrize(
    "fields",
    [
        {"labels": {"note": "two words", "run": "{{ run_id }}"}},
        {"labels": {"gone": "1", "team": "x"}, "pod": LABELED},
        {"flavor": CARD, "output": True, "pod": LABELED},
        {"service_account": "s", "image_pull_secrets": ("p",), "timeout": 60, "termination_grace": 3},
    ],
)
def test_labels_and_sidecar(fields: dict[str, Any]) -> None:
    assert compare(a_pipeline(a_job("job", **fields)))


def test_the_image_of_the_sidecar_is_that_of_the_installed_provider() -> None:
    from airflow.providers.cncf.kubernetes.utils.xcom_sidecar import PodDefaults

    assert PodDefaults.SIDECAR_CONTAINER.image == XCOM_IMAGE


@pytest.mark.parametrize("text", ["ml.wine", "a" * 80, "a b", "-x-", "x", "a_b.c-d"])
def test_airflow_makes_the_same_labels(text: str) -> None:
    from airflow.providers.cncf.kubernetes.pod_generator import make_safe_label_value

    assert airflow_label(text) == make_safe_label_value(text)


def test_the_command_imports_no_airflow() -> None:
    program = (
        "import sys; from click.testing import CliRunner; from dag_factory.cli.main import main; "
        "assert CliRunner().invoke(main, ['render', 'ml.wine']).exit_code == 0; "
        "assert not {'airflow', 'kubernetes'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True, cwd=ROOT)


def test_the_flavor_of_the_first_try_is_a_label() -> None:
    assert (
        operator_pod(a_pipeline(a_job("job")), a_job("job"))["metadata"]["labels"][TRY_FLAVOR]
        == a_job("job").flavor.name
    )
