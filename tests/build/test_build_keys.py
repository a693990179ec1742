"""Every key of the language in every layer, from text to what Airflow stores and Kubernetes gets.

Each row says a key, an example of it and what comes of that; the tests put the example into every place that knows
the key, and see that the same comes of it there, and not without it. A key that is read and then forgotten fails.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from dag_factory.config import Pipeline, open_project
from dag_factory.config.expressions.dollar_signs import escape_rendered
from dag_factory.config.jobs.checks import pod_rules
from dag_factory.config.pod.final_pod import final_pod
from dag_factory.config.pod.security_standards import may_violate_baseline, violations
from dag_factory.config.schema import registry

Files = dict[str, Any]
"""The files below ``configs/``: data, written as JSON, which is valid YAML; or text."""


@dataclass(frozen=True)
class Has:
    """Equal to every text that contains this part."""

    part: str

    def __eq__(self, other: object) -> bool:
        return self.part in str(other)

    def __hash__(self) -> int:
        return hash(self.part)


NOTHING = "(nothing)"
IMAGE = "acme.example/image:1"
TEMPLATE = """\
version: 1
inputs: {word: {type: string}}
---
args: ["${{ inputs.word }}"]
"""
FLAVORS: Files = {
    "version": 1,
    "pools": {"gpu": 4},
    "flavors": {"small": {"cpu": 1, "memory": "1Gi"}, "large": {"cpu": 8, "memory": "32Gi"}, "extra": {"cpu": 16}},
}
ENVIRONMENT: Files = {
    "version": 1,
    "vars": {"word": "hello"},
    "pod_security": "privileged",
    "defaults": {"job": {"docker_image": IMAGE, "resource_flavor": "small"}},
}
PIPELINE: Files = {"version": 1, "jobs": {"before": {"output": "json"}, "it": {"depends_on": ["before"]}}}


def project() -> Files:
    """Two jobs, one after the other, and a table of each kind."""
    files: Files = {
        "platform/flavors": FLAVORS,
        "platform/environments/dev": ENVIRONMENT,
        "platform/presets": {"version": 1, "presets": {"named": {"annotations": {"preset": "named"}}}},
        "platform/retries": {"version": 1, "rules": {"rule": {"retries": 4, "delay": "7s"}}},
        "platform/alerts": {"version": 1, "channels": {"chat": {"slack": {"connection": "slack", "channel": "#ml"}}}},
        "platform/teams": {"version": 1, "teams": {"team": {}}},
        "platform/templates/jobs/word/v1.yaml.j2": TEMPLATE,
        "platform/templates/pipelines/word/v1.yaml.j2": "version: 1\ninputs: {word: {default: x}}\n---\n"
        "description: ${{ inputs.word }}\n",
        "pipelines/team/flow": PIPELINE,
    }
    return json.loads(json.dumps(files))  # type: ignore[no-any-return]


JOB: dict[str, tuple[Files, dict[str, Any]]] = {
    "resource_flavor": ({"resource_flavor": "large"}, {"base resources limits cpu": "8"}),
    "docker_image": ({"docker_image": "acme.example/other:2"}, {"base image": "acme.example/other:2"}),
    "command": ({"command": ["python", "-m", "x"]}, {"base command": ["python", "-m", "x"]}),
    "args": ({"args": ["--day", "{{ ds }}"]}, {"base args": ["--day", escape_rendered("{{ ds }}")]}),
    "script": ({"script": "echo $HOME"}, {"base command": ["/bin/sh", "-ec", "echo $HOME"]}),
    "shell": ({"shell": ["bash", "-ec"], "script": "x"}, {"base command": ["bash", "-ec", "x"]}),
    "working_dir": ({"working_dir": "/app"}, {"base workingDir": "/app"}),
    "ports": ({"ports": [8080]}, {"base ports 0 containerPort": 8080}),
    "env": (
        {"env": {"A": "1.0", "B": {"secret": "s/k"}, "C": {"config_map": "c/k"}, "D": {"field": "metadata.name"}}},
        {
            "base env A value": "1.0",
            "base env B valueFrom secretKeyRef": {"name": "s", "key": "k"},
            "base env C valueFrom configMapKeyRef": {"name": "c", "key": "k"},
            "base env D valueFrom fieldRef fieldPath": "metadata.name",
        },
    ),
    "env_from": (
        {"env_from": [{"secret": "s"}, {"config_map": "c", "prefix": "P_"}]},
        {"base envFrom": [{"secretRef": {"name": "s"}}, {"configMapRef": {"name": "c"}, "prefix": "P_"}]},
    ),
    "volumes": (
        {
            "volumes": [
                {"mount_path": "/p", "pvc": "claim", "sub_path": "in", "read_only": True, "name": "called"},
                {"mount_path": "/s", "secret": "keys"},
                {"mount_path": "/c", "config_map": "settings"},
                {"mount_path": "/e", "empty_dir": {"medium": "Memory"}, "size": "1Gi", "name": "room"},
                {"mount_path": "/h", "host_path": "/mnt"},
            ]
        },
        {
            "base volumeMounts /p": {"mountPath": "/p", "name": "called", "readOnly": True, "subPath": "in"},
            "pod spec volumes called persistentVolumeClaim claimName": "claim",
            "pod spec volumes room emptyDir": {"medium": "Memory", "sizeLimit": "1Gi"},
            "base volumeMounts /s mountPath": "/s",
            "base volumeMounts /c mountPath": "/c",
            "base volumeMounts /h mountPath": "/h",
        },
    ),
    "depends_on": ({"depends_on": []}, {"tasks before downstream_task_ids": NOTHING}),
    "trigger_rule": ({"trigger_rule": "all_done"}, {"task trigger_rule": "all_done"}),
    "when": ({"when": "{{ run_id }}"}, {"operator _pre_execute_hook": Has("SkipCondition")}),
    "for_each": (
        {"for_each": {"list": ["a", "b"], "as": "ITEM", "max_parallel": 2}},
        {
            "task _is_mapped": True,
            "task partial_kwargs max_active_tis_per_dagrun": 2,
            "task partial_kwargs env_vars": Has("ITEM"),
        },
    ),
    "matrix": (
        {"matrix": {"at": ["a", "b"], "include": [{"at": "c"}], "exclude": [{"at": "b"}]}},
        {"tasks it-a task_id": "it-a", "tasks it-b": NOTHING, "tasks it-c task_id": "it-c"},
    ),
    "output": ({"output": "json"}, {"task do_xcom_push": NOTHING}),
    "retries": ({"retries": 3}, {"task retries": 3}),
    "timeout": ({"timeout": "1h"}, {"task execution_timeout": 3600.0, "pod spec activeDeadlineSeconds": 3600}),
    "startup_timeout": ({"startup_timeout": "7m"}, {"operator startup_timeout_seconds": 420}),
    "schedule_timeout": ({"schedule_timeout": "8m"}, {"operator schedule_timeout_seconds": 480}),
    "termination_grace": ({"termination_grace": "2m"}, {"pod spec terminationGracePeriodSeconds": 120}),
    "keep_pod": ({"keep_pod": "on_failure"}, {"operator on_finish_action": Has("DELETE_SUCCEEDED_POD")}),
    "pool": ({"pool": "gpu"}, {"task pool": "gpu"}),
    "pool_slots": ({"pool_slots": 2}, {"task pool_slots": 2}),
    "priority_weight": ({"priority_weight": 10}, {"task priority_weight": 10}),
    "group": ({"group": "a.b"}, {"dag task_group children a": Has("'_group_id': 'a'")}),
    "teardown": (
        {"teardown": {"of": "before"}},
        {"task is_teardown": True, "tasks before is_setup": True, "task trigger_rule": Has("all_done_setup_success")},
    ),
    "inlets": ({"inlets": ["s3://in/a"]}, {"task inlets 0 __var": Has("s3://in/a")}),
    "outlets": ({"outlets": [{"name": "o", "uri": "s3://out/a"}]}, {"task outlets 0 __var": Has("s3://out/a")}),
    "service_account": ({"service_account": "who"}, {"pod spec serviceAccountName": "who"}),
    "labels": ({"labels": {"cost": "4711"}}, {"pod metadata labels cost": "4711"}),
    "annotations": ({"annotations": {"a": "b c"}}, {"pod metadata annotations a": "b c"}),
    "node_selector": ({"node_selector": {"pool": "a"}}, {"pod spec nodeSelector": {"pool": "a"}}),
    "tolerations": ({"tolerations": [{"key": "t"}]}, {"pod spec tolerations": [{"key": "t"}]}),
    "affinity": (
        {"affinity": {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": []}}},
        {"pod spec affinity": Has("podAntiAffinity")},
    ),
    "priority_class": ({"priority_class": "low"}, {"pod spec priorityClassName": "low"}),
    "runtime_class": ({"runtime_class": "nvidia"}, {"pod spec runtimeClassName": "nvidia"}),
    "image_pull_policy": ({"image_pull_policy": "Always"}, {"base imagePullPolicy": "Always"}),
    "image_pull_secrets": ({"image_pull_secrets": ["login"]}, {"pod spec imagePullSecrets": [{"name": "login"}]}),
    "security_context": ({"security_context": {"runAsUser": 7}}, {"base securityContext": {"runAsUser": 7}}),
    "pod_security_context": ({"pod_security_context": {"fsGroup": 7}}, {"pod spec securityContext": {"fsGroup": 7}}),
    "host_aliases": (
        {"host_aliases": [{"ip": "10.0.0.7", "hostnames": ["w"]}]},
        {"pod spec hostAliases": [{"ip": "10.0.0.7", "hostnames": ["w"]}]},
    ),
    "init_containers": (
        {"init_containers": [{"name": "first", "image": IMAGE}]},
        {"pod spec initContainers first image": IMAGE},
    ),
    "sidecars": (
        {"sidecars": [{"name": "beside", "image": IMAGE}]},
        {"pod spec initContainers beside restartPolicy": "Always"},
    ),
    "presets": ({"presets": ["named"]}, {"pod metadata annotations preset": "named"}),
    "pod": ({"pod": {"spec": {"hostNetwork": True}}}, {"pod spec hostNetwork": True}),
    "deferrable": ({"deferrable": True}, {"operator deferrable": True}),
    "alerts": ({"alerts": {"on_failure": ["chat"]}}, {"task doc_md": Has("on failure: notify `chat`")}),
    "uses": ({"uses": "word@v1", "with": {"word": "hello"}}, {"base args": ["hello"]}),
    "with": ({"uses": "word@v1", "with": {"word": "world"}}, {"base args": ["world"]}),
    "doc": ({"doc": "More of it."}, {"task doc_md": Has("More of it.")}),
}
FLAVOR: dict[str, tuple[Files, dict[str, Any]]] = {
    "cpu": ({"cpu": 3}, {"base resources limits cpu": "3", "base resources requests cpu": "3"}),
    "memory": ({"memory": "3Gi"}, {"base resources limits memory": "3Gi", "base resources requests memory": "3Gi"}),
    "gpu": (
        {"gpu": {"count": 2, "resource": "amd.com/gpu"}},
        {"base resources limits amd.com/gpu": "2", "base resources requests amd.com/gpu": "2"},
    ),
    "shm": ({"shm": "2Gi"}, {"base volumeMounts /dev/shm mountPath": "/dev/shm"}),
    "ephemeral_storage": ({"ephemeral_storage": "5Gi"}, {"base resources limits ephemeral-storage": "5Gi"}),
    "requests": ({"requests": {"cpu": "100m"}}, {"base resources requests cpu": "100m"}),
    "limits": ({"limits": {"cpu": 20}}, {"base resources limits cpu": "20"}),
    "pool": ({"pool": "gpu"}, {"task pool": "gpu"}),
    "cost_per_hour": ({"cost_per_hour": 0.25}, {"task doc_md": Has("0.25 per hour")}),
    "next": ({"next": "large"}, {"task doc_md": Has("the next flavor, `large`")}),
}
HEADER: dict[str, tuple[Files, dict[str, Any]]] = {
    "description": ({"description": "In a line"}, {"dag description": "In a line"}),
    "doc": ({"doc": "More of it."}, {"dag doc_md": Has("More of it.")}),
    "owner": ({"owner": ["a", "b"]}, {"task owner": "a, b"}),
    "tags": ({"tags": ["churn"]}, {"dag tags": ["churn", "team:team"]}),
    "schedule": (
        {"schedule": "0 3 * * *"},
        {
            "dag timetable __var": {
                "expression": "0 3 * * *",
                "timezone": "UTC",
                "interval": 0.0,
                "run_immediately": 60.0,
            }
        },
    ),
    "timezone": (
        {"timezone": "Europe/Berlin", "schedule": "0 3 * * *"},
        {"dag timetable __var timezone": "Europe/Berlin", "dag timezone": "Europe/Berlin"},
    ),
    "start_date": ({"start_date": "2026-03-01"}, {"dag start_date": 1772323200.0}),
    "end_date": ({"end_date": "2026-04-01"}, {"dag end_date": 1775001600.0}),
    "catchup": ({"catchup": True}, {"dag catchup": True}),
    "max_active_runs": ({"max_active_runs": 3}, {"dag max_active_runs": 3}),
    "max_active_jobs": ({"max_active_jobs": 4}, {"dag max_active_tasks": 4}),
    "timeout": ({"timeout": "6h"}, {"dag dagrun_timeout": 21600.0}),
    "deadline": ({"deadline": "2h"}, {"dag doc_md": Has("within 2h after it is queued (`deadline`)")}),
    "alerts": ({"alerts": {"on_failure": ["chat"]}}, {"dag doc_md": Has("on failure: notify `chat` (slack)")}),
    "paused": ({"paused": True}, {"dag is_paused_upon_creation": True}),
    "depends_on_past": ({"depends_on_past": True}, {"task depends_on_past": True}),
    "params": (
        {"params": {"folds": {"type": "integer", "default": 5, "minimum": 2, "title": "Folds"}}},
        {"dag params": Has("'minimum': 2")},
    ),
    "params_env": ({"params": {"a": "x"}, "params_env": "P_"}, {"base env P_A value": Has("{{ params.a ")}),
    "groups": (
        {"groups": {"g": {"for_each": {"list": ["a"], "as": "ITEM"}}}, "defaults": {"group": "g"}},
        {"base env ITEM value": Has("{{ item ")},
    ),
    "defaults": ({"defaults": {"retries": 2}}, {"task retries": 2}),
    "jobs": ({"jobs": {"more": {}}}, {"tasks more task_id": "more"}),
}


def at(view: Any, path: str) -> Any:
    """The value at a path of keys; in a list, a key is an index, a name or a mount path."""
    for step in path.split(" "):
        if isinstance(view, list):
            named = (one for one in view if isinstance(one, dict) and step in (one.get("name"), one.get("mountPath")))
            view = view[int(step)] if step.isdigit() and len(view) > int(step) else next(named, NOTHING)
        else:
            view = view.get(step, NOTHING) if isinstance(view, Mapping) else NOTHING
    return view


def compiled(files: Files) -> tuple[Mapping[str, Any], Pipeline]:
    """The pools and the pipeline of a project, which must have no problem."""
    with TemporaryDirectory() as home:
        write(Path(home), files)
        found = open_project(Path(home), "dev").compile_all()
    assert not found.problems, found.problems
    (pipeline,) = found.pipelines
    return found.pools, pipeline


def view_of(files: Files) -> dict[str, Any]:
    """What Airflow stores for the pipeline, and the pods that it creates."""
    from airflow.serialization.serialized_objects import DagSerialization
    from kubernetes.client import ApiClient

    from dag_factory.build.dag.build_dag import build_dag

    pools, pipeline = compiled(files)
    dag = build_dag(pipeline)
    stored = DagSerialization.to_dict(dag)["dag"]
    stored["doc_md"] = stored["doc_md"].split("#### The configuration")[0]  # which contains every key
    tasks = {one["__var"]["task_id"]: one["__var"] for one in stored.pop("tasks")}
    it = next((dag.task_dict[name] for name in tasks if name.startswith("it")), None)
    pod: Any = NOTHING
    if hasattr(it, "build_pod_request_obj"):
        pod = ApiClient().sanitize_for_serialization(it.build_pod_request_obj(dry_run=True))
    base = at(pod, "spec containers base") if pod != NOTHING else NOTHING
    checked = [final_pod(job, pipeline.cluster) for job in pipeline.jobs if it is not None and job.name == it.task_id]
    return {
        "checked": checked,
        "dag": stored,
        "tasks": tasks,
        "task": tasks.get("it", NOTHING),
        "pod": pod,
        "base": base,
        "operator": {name: getattr(it, name, NOTHING) for name in OPERATOR},
        "pools": pools,
    }


def write(home: Path, files: Files) -> None:
    for name, content in files.items():
        path = Path(home, "configs", name if name.endswith(".j2") else f"{name}.yaml")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")


OPERATOR = (
    "startup_timeout_seconds schedule_timeout_seconds on_finish_action deferrable kubernetes_conn_id in_cluster "
    "startup_check_interval_seconds fail_waiting_after callbacks namespace _pre_execute_hook"
).split()


@cache
def plain() -> dict[str, Any]:
    return view_of(project())


def check(files: Files, expected: dict[str, Any]) -> None:
    """The project gives the expected values, and the plain project does not."""
    view = view_of(files)
    assert {path: at(view, path) for path in expected} == expected
    for path, value in expected.items():
        assert value == NOTHING or at(plain(), path) != value, f"{path} is so without it"


def merged(under: Files, over: Files) -> Files:
    """The merged maps."""
    both = dict(under)
    for key, value in over.items():
        both[key] = merged(both[key], value) if isinstance(value, dict) and isinstance(both.get(key), dict) else value
    return both


def placed(place: str, fragment: Files) -> Files:
    """The project with a fragment of a job or a pipeline in one of the layers that can contain it."""
    file, *path = PLACES[place].split(" ")
    inside: Any = fragment
    for key in reversed(path):
        inside = {key: inside}
    files = project()
    match place:
        case "preset":
            files["pipelines/team/flow"]["jobs"]["it"]["presets"] = ["p"]
        case "flavor":
            files["pipelines/team/flow"]["jobs"]["it"]["resource_flavor"] = "extra"
        case "job template" | "pipeline template":
            return with_template(files, place, fragment)
    files[file] = merged(files[file], inside)
    return files


def with_template(files: Files, place: str, fragment: Files) -> Files:
    kind = "jobs" if place.startswith("job") else "pipelines"
    files[f"platform/templates/{kind}/it/v1.yaml.j2"] = f"version: 1\n---\n{json.dumps(fragment)}\n"
    flow = files["pipelines/team/flow"]
    if kind == "jobs":
        flow["jobs"]["it"]["uses"] = "it@v1"
        if "depends_on" in fragment:  # the job's own value wins
            del flow["jobs"]["it"]["depends_on"]
    else:
        flow["template"] = "it@v1"
    return files


PLACES = {
    "job": "pipelines/team/flow jobs it",
    "job in an environment": "pipelines/team/flow environments dev jobs it",
    "job template": "",
    "defaults": "pipelines/team/flow defaults",
    "preset": "platform/presets presets p",
    "environment's job": "platform/environments/dev defaults job",
    "team's job": "platform/teams teams team defaults job",
    "flavor": "platform/flavors flavors extra",
    "flavor in an environment": "platform/environments/dev flavors define small",
    "pipeline": "pipelines/team/flow",
    "pipeline in an environment": "pipelines/team/flow environments dev",
    "pipeline template": "",
    "environment's pipeline": "platform/environments/dev defaults pipeline",
    "team's pipeline": "platform/teams teams team defaults pipeline",
}
"""The layers that can contain a key: a file, and the keys in it."""


def properties(name: str, pointer: str = "") -> set[str]:
    schema: Any = registry.documents()[f"{name}.schema.json"]
    for step in filter(None, pointer.split("/")):
        schema = schema[step]
    return set(schema["properties"])


JOB_KEYS = properties("job", "$defs/job")
DEFAULTS_KEYS = properties("job", "$defs/defaults")
FLAVOR_KEYS = properties("flavors", "$defs/flavor")
CALL = {"uses", "with"}
KNOWN = {
    "job": JOB_KEYS,
    "job in an environment": JOB_KEYS,
    "job template": JOB_KEYS - CALL - {"matrix"},  # keys that create several jobs are set by the caller
    "defaults": DEFAULTS_KEYS,
    "preset": DEFAULTS_KEYS - {"presets"},
    "environment's job": DEFAULTS_KEYS,
    "team's job": DEFAULTS_KEYS,
    "flavor": JOB_KEYS & FLAVOR_KEYS,
    "flavor in an environment": JOB_KEYS & FLAVOR_KEYS,
}
PIPELINE_KEYS = properties("pipeline")
OVERLAY_KEYS = properties("pipeline", "$defs/overlay")
PIPELINE_DEFAULTS_KEYS = properties("pipeline", "$defs/defaults")
FILE_ALONE = {"version", "only", "environments", "template", "with", "instances"}
HEADER_KNOWN = {
    "pipeline": PIPELINE_KEYS - FILE_ALONE,
    "pipeline in an environment": OVERLAY_KEYS - FILE_ALONE,
    "pipeline template": OVERLAY_KEYS - FILE_ALONE,
    "environment's pipeline": PIPELINE_DEFAULTS_KEYS,
    "team's pipeline": PIPELINE_DEFAULTS_KEYS,
}


def everywhere(known: Mapping[str, set[str]]) -> list[Any]:
    return [pytest.param(place, key, id=f"{place}: {key}") for place in known for key in sorted(known[place])]


def test_every_key_is_tested() -> None:
    assert set(JOB) == JOB_KEYS
    assert set(FLAVOR) | (JOB_KEYS & FLAVOR_KEYS) == FLAVOR_KEYS
    assert set(HEADER) == PIPELINE_KEYS - FILE_ALONE


@pytest.mark.parametrize(("place", "key"), everywhere(KNOWN))
def test_jobs(place: str, key: str) -> None:
    fragment, expected = JOB[key]
    check(placed(place, fragment), expected)


@pytest.mark.parametrize(
    ("place", "fragment"),
    [
        *(pytest.param("job", JOB[key][0], id=key) for key in JOB if key != "resource_flavor"),
        *(pytest.param("flavor", FLAVOR[key][0], id=f"flavor: {key}") for key in FLAVOR),
    ],
)
def test_the_guards_check_the_fields_that_a_key_sets(place: str, fragment: Files) -> None:
    """A field of the pod that the guards do not check would bypass every limit."""
    view = view_of(placed(place, fragment))
    for pod in view["checked"] if view["pod"] != NOTHING else ():  # a mapped operator builds its pods in the worker
        assert fields(view["pod"]) - fields(pod) == set()


@pytest.mark.parametrize("key", JOB)
def test_the_pod_rules_check_the_fields_that_a_key_sets(key: str) -> None:
    """Most jobs cannot break the rules of Kubernetes or of `baseline`, and are not checked. A new key can do so."""
    _, pipeline = compiled(placed("job", JOB[key][0]))
    for job in pipeline.jobs:
        pod = final_pod(job, pipeline.cluster)
        checked = pod_rules.pod_to_check(job, pipeline.cluster)
        left = fields(pod) - (fields(checked) if checked else set()) - OF_EVERY_POD
        assert {name for name in left if name.split()[-1] not in pod_rules.NO_RULES} == set()
        assert may_violate_baseline(job) or not list(violations(pod, "baseline"))


OF_EVERY_POD = {"containers", "restartPolicy", "base name", "base terminationMessagePolicy"}


def fields(pod: Any) -> set[str]:
    """The fields that are set in a pod's spec and in the job's own container."""
    spec, base = pod["spec"], at(pod, "spec containers base")
    found = {name for name, value in spec.items() if value not in (None, False, [], {})}
    return found | {f"base {name}" for name, value in base.items() if value not in (None, [], {})}


@pytest.mark.parametrize("place", ["flavor", "flavor in an environment"])
@pytest.mark.parametrize("key", FLAVOR)
def test_flavors(place: str, key: str) -> None:
    fragment, expected = FLAVOR[key]
    check(placed(place, fragment), expected)


@pytest.mark.parametrize(("place", "key"), everywhere(HEADER_KNOWN))
def test_pipelines(place: str, key: str) -> None:
    fragment, expected = HEADER[key]
    if key == "params_env" and "params" not in HEADER_KNOWN[place]:
        files = placed(place, {"params_env": "P_"})
        files["pipelines/team/flow"]["params"] = fragment["params"]
    else:
        files = placed(place, {key: fragment[key]} if place.endswith("'s pipeline") else fragment)
    if key == "timezone":
        pytest.skip("an environment's is its own key") if "timezone" not in HEADER_KNOWN[place] else None
    check(files, expected)


FLOW, DEV, TEAM = "pipelines/team/flow", "platform/environments/dev", "platform/teams"
LATEST = {FLOW: {"defaults": {"docker_image": "acme.example/image:latest"}}}
VARIABLE = {FLOW: {"defaults": {"args": ["{{ var.value.x }}"]}}}
SCHEDULED = {FLOW: {"schedule": "0 3 * * *"}}
RETRY: Files = {"retries": 6, "delay": "11s", "backoff": "exponential", "max_delay": "5m"}
RETRIED = {
    "task retries": 6,
    "task retry_delay": 11.0,
    "task retry_exponential_backoff": 2.0,
    "task max_retry_delay": 300.0,
}
ON = [{"reason": "OOMKilled", "then": "retry", "delay": "5s"}, {"exit_code": [64], "then": "fail"}]
FAILED = {"task doc_md": Has("after `OOMKilled`: retry after 5s\n- after exit code 64: no retry")}
TABLES: dict[str, tuple[Files, dict[str, Any]]] = {
    "vars": ({DEV: {"vars": {"word": "other"}}, FLOW: {"doc": "${{ vars.word }}"}}, {"dag doc_md": Has("other")}),
    "cluster.namespace": ({DEV: {"cluster": {"namespace": "ml"}}}, {"pod metadata namespace": "ml"}),
    "cluster.kubernetes_conn_id": (
        {DEV: {"cluster": {"kubernetes_conn_id": "k"}}},
        {"operator kubernetes_conn_id": "k"},
    ),
    "cluster.in_cluster": ({DEV: {"cluster": {"in_cluster": True}}}, {"operator in_cluster": True}),
    "cluster.startup_check_interval": (
        {DEV: {"cluster": {"startup_check_interval": "500ms"}}},
        {"operator startup_check_interval_seconds": 0.5},
    ),
    "cluster.fail_waiting_after": (
        {DEV: {"cluster": {"fail_waiting_after": "2m"}}},
        {"operator fail_waiting_after": 120},
    ),
    "cluster.xcom_sidecar": (
        {DEV: {"cluster": {"xcom_sidecar": {"image": "x:1"}}}, FLOW: {"defaults": {"output": "json"}}},
        {"operator callbacks": Has("XcomSidecarCallback")},
    ),
    "images.pull_policy": ({DEV: {"images": {"pull_policy": "Never"}}}, {"base imagePullPolicy": "Never"}),
    "images.mirrors": (
        {DEV: {"images": {"mirrors": {"acme.example": "hub.example/acme"}}}},
        {"base image": "hub.example/acme/image:1"},
    ),
    "flavors.replace": ({DEV: {"flavors": {"replace": {"small": "large"}}}}, {"base resources limits cpu": "8"}),
    "schedules.paused": ({DEV: {"schedules": "paused"}}, {"dag is_paused_upon_creation": True}),
    "timezone": ({DEV: {"timezone": "Europe/Berlin"}}, {"dag timezone": "Europe/Berlin"}),
    "alerts.enabled": (
        {DEV: {"alerts": {"enabled": False}}, FLOW: {"alerts": {"on_failure": ["chat"]}}},
        {"dag doc_md": Has("alerts are off in `dev`")},
    ),
    "templating.allow": (
        {DEV: {"templating": {"allow": ["var"]}}, **VARIABLE},
        {"base args": [escape_rendered("{{ var.value.x }}")]},
    ),
    "extends": (
        {DEV: {"extends": "base"}, "platform/environments/base": {"version": 1, "cluster": {"namespace": "ml"}}},
        {"pod metadata namespace": "ml"},
    ),
    "pools": ({"platform/flavors": {"pools": {"more": 2}}}, {"pools more": 2}),
    "team.namespace": ({TEAM: {"teams": {"team": {"namespace": "mine"}}}}, {"pod metadata namespace": "mine"}),
    "team.service_account": (
        {TEAM: {"teams": {"team": {"service_account": "mine"}}}},
        {"pod spec serviceAccountName": "mine"},
    ),
    "a rule": ({"platform/retries": {"rules": {"rule": RETRY}}, FLOW: {"defaults": {"retries": "rule"}}}, RETRIED),
    "a rule's on": (
        {"platform/retries": {"rules": {"rule": {"on": ON}}}, FLOW: {"defaults": {"retries": "rule"}}},
        FAILED,
    ),
    "a rule at a job": ({FLOW: {"defaults": {"retries": RETRY}}}, RETRIED),
    "a rule at a job, on": ({FLOW: {"defaults": {"retries": {"retries": 1, "on": ON}}}}, FAILED),
    "retries.count, maximum": (
        {FLOW: {"defaults": {"retries": {"count": 6, "delay": "11s", "backoff": "exponential", "maximum": "5m"}}}},
        RETRIED,
    ),
    "a count over a rule": (
        {FLOW: {"defaults": {"retries": "rule"}, "jobs": {"it": {"retries": 9}}}},
        {"task retries": 9, "task retry_delay": 7.0},
    ),
    "a channel by email": (
        {
            "platform/alerts": {"channels": {"mail": {"email": {"to": ["a@b.example"]}}}},
            FLOW: {"alerts": {"on_success": ["mail"], "on_retry": ["mail"]}},
        },
        {"dag doc_md": Has("on success: notify `mail` (email)\n- on retry: notify `mail` (email)")},
    ),
    "a channel by webhook": (
        {
            "platform/alerts": {"channels": {"hook": {"webhook": {"connection": "hook"}}}},
            FLOW: {"alerts": {"on_deadline": ["hook"]}, "deadline": "1h"},
        },
        {"dag doc_md": Has("on deadline: notify `hook` (webhook)")},
    ),
    "template, with": ({FLOW: {"template": "word@v1", "with": {"word": "hello"}}}, {"dag description": "hello"}),
    "a matrix with a name": (
        {FLOW: {"jobs": {"it": {"matrix": {"at": ["a"], "name": "${{ matrix.at }}-it"}}}}},
        {"tasks a-it task_id": "a-it"},
    ),
    "a job removed": (
        {FLOW: {"environments": {"dev": {"jobs": {"before": None, "it": {"depends_on": []}}}}}},
        {"tasks before": NOTHING},
    ),
    "for_each over an output": (
        {FLOW: {"jobs": {"it": {"for_each": {"output": "before", "as": "ITEM"}}}}},
        {"task _is_mapped": True, "task expand_input value": Has("before")},
    ),
    "cron and assets": (
        {FLOW: {"schedule": {"assets": ["a", {"any": ["b", {"all": ["c", "d"]}]}], "cron": "0 3 * * *"}}},
        {"dag timetable": Has("AssetOrTimeSchedule"), "dag timetable __var asset_condition": Has("asset_any")},
    ),
    "every": ({FLOW: {"schedule": {"every": "12h"}}}, {"dag timetable": Has("43200")}),
    "several crons": ({FLOW: {"schedule": {"cron": ["0 1 * * *", "0 2 * * *"]}}}, {"dag timetable": Has("0 2 * * *")}),
}
BREACHES: dict[str, tuple[Files, str]] = {
    "images.allowed": ({DEV: {"images": {"allowed": ["other/*"]}}}, "image-not-allowed"),
    "images.forbid_latest": ({DEV: {"images": {"forbid_latest": True}}, **LATEST}, "image-latest"),
    "flavors.max": ({DEV: {"flavors": {"max": {"cpu": 0.5, "memory": "1Mi", "gpu": 0}}}}, "over-ceiling"),
    "templating.allow": (VARIABLE, "forbidden-template"),
    "team.flavors": ({TEAM: {"teams": {"team": {"flavors": ["large"]}}}}, "flavor-not-allowed"),
    "team.images": ({TEAM: {"teams": {"team": {"images": ["other/*"]}}}}, "image-not-allowed"),
    "team.max": ({TEAM: {"teams": {"team": {"max": {"cpu": 0.5}}}}}, "over-ceiling"),
    "team.require": ({TEAM: {"teams": {"team": {"require": ["owner"]}}}}, "required-key"),
}
GUARDS: dict[str, tuple[Any, Files, str]] = {  # for environments and teams: the rule, and a job that breaks it
    "pod_security": ("restricted", {"security_context": {"runAsUser": 0}}, "pod-security"),
    "service_accounts": (["mine"], {"service_account": "other"}, "not-allowed"),
    "secrets": (["mine"], {"env": {"A": {"secret": "other/key"}}}, "not-allowed"),
    "config_maps": (["mine"], {"env_from": [{"config_map": "other"}]}, "not-allowed"),
    "claims": (["mine"], {"volumes": [{"mount_path": "/d", "pvc": "other"}]}, "not-allowed"),
    "priority_classes": (["mine"], {"priority_class": "other"}, "not-allowed"),
    "runtime_classes": (["mine"], {"runtime_class": "other"}, "not-allowed"),
    "schedulers": (["mine"], {"pod": {"spec": {"schedulerName": "other"}}}, "not-allowed"),
    "pull_secrets": (["mine"], {"image_pull_secrets": ["other"]}, "not-allowed"),
    "pools": (["default_pool"], {"pool": "gpu"}, "not-allowed"),
    "node_selectors": (["mine"], {"node_selector": {"other": "x"}}, "not-allowed"),
    "tolerations": (["mine"], {"tolerations": [{"key": "other", "operator": "Exists"}]}, "not-allowed"),
    "labels": (["mine"], {"labels": {"other": "x"}}, "not-allowed"),
    "annotations": (["mine"], {"annotations": {"other": "x"}}, "not-allowed"),
    "presets": (["mine"], {"presets": ["named"]}, "not-allowed"),
    "templates": (["mine"], {"uses": "word@v1", "with": {"word": "x"}}, "not-allowed"),
    "limits": ({"retries": 1}, {"retries": 2}, "over-limit"),
}
for _key, (_value, _job, _code) in GUARDS.items():
    _flow: Files = {FLOW: {"jobs": {"it": _job}}}
    BREACHES[_key] = ({DEV: {_key: _value}, **_flow}, _code)
    BREACHES[f"team.{_key}"] = ({TEAM: {"teams": {"team": {_key: _value}}}, **_flow}, _code)


def together(over: Files) -> Files:
    files = project()
    for name, content in over.items():
        files[name] = merged(files.get(name, {}), content)
    return files


ELSEWHERE = {
    *("version", "description"),  # texts for people
    *("defaults.pipeline", "defaults.job", "flavors.define", "team.defaults"),  # layers, above
    *("schedules", "cluster.local"),  # separate tests, below
    *("links.source", "links.pod"),  # `test_build_links.py`
    "links.runbook",  # `test_build_alerts.py`
}


def leaves(name: str, pointer: str = "", before: str = "") -> Iterator[str]:
    """The keys of a table; for maps with fixed keys, the keys of the maps."""
    schema: Any = registry.documents()[f"{name}.schema.json"]
    for step in filter(None, pointer.split("/")):
        schema = schema[step]
    for key, node in schema["properties"].items():
        below = node.get("properties", {}) if not before else {}
        yield from (f"{key}.{one}" for one in below)
        if not below:
            yield f"{before}{key}"


def test_every_key_of_a_platform_file_is_tested() -> None:
    rows = {*TABLES, *BREACHES, *ELSEWHERE}
    assert set(leaves("environment")) <= rows
    assert set(leaves("teams", "$defs/team", "team.")) <= rows


@pytest.mark.parametrize("name", TABLES)
def test_platform_files(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_K", "kubernetes://")
    over, expected = TABLES[name]
    check(together(over), expected)


def test_manual_environments_have_no_schedule() -> None:
    scheduled = view_of(together(SCHEDULED))
    assert at(scheduled, "dag timetable") != at(plain(), "dag timetable")
    assert at(view_of(together({**SCHEDULED, DEV: {"schedules": "manual"}})), "dag timetable") == at(
        plain(), "dag timetable"
    )


def compiled_of(files: Files) -> Any:
    with TemporaryDirectory() as home:
        write(Path(home), files)
        opened = open_project(Path(home), "dev")
        return opened.compile_all(), opened.tables


@pytest.mark.parametrize("name", BREACHES)
def test_guards(name: str) -> None:
    over, code = BREACHES[name]
    compiled, _ = compiled_of(together(over))
    assert code in {problem.code for problem in compiled.problems}
    assert not compiled.pipelines


def test_only() -> None:
    other = {"platform/environments/prod": {"version": 1}}
    assert not compiled_of(together({FLOW: {"only": ["prod"]}, **other}))[0].pipelines
    assert compiled_of(together({FLOW: {"only": ["dev"]}, **other}))[0].pipelines


def test_instances() -> None:
    flow = {"template": "word@v1", "with": {"word": "a"}, "instances": {"x": {}, "y": {"word": "b"}}}
    compiled, _ = compiled_of(together({FLOW: flow}))
    assert [(one.id, one.description) for one in compiled.pipelines] == [("team.flow.x", "a"), ("team.flow.y", "b")]


def test_images_of_the_local_cluster() -> None:
    _, tables = compiled_of(together({DEV: {"cluster": {"local": {"images": {"a:*": {"folder": "images/a"}}}}}}))
    assert tables.images == {"a:*": "images/a"}
