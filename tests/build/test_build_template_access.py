"""What a template can reach from Airflow's task context: data, and nothing else."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from building import a_job, a_pipeline, an_event, built, instance_of, rendered, rendering_fails

from dag_factory.config import model

ESCAPE = "{{ task.hook.get_connection('x') }}"
DATA = (str, int, float, bool, type(None), list, tuple, dict, datetime.date, datetime.time, datetime.timedelta)
JOB = a_job(inlets=(model.Asset(name="orders"),), outlets=(model.Asset(name="prices"),), timeout=60)


def environment_and_context(allow: tuple[str, ...] = ()) -> tuple[Any, dict[str, Any]]:
    """The environment that renders a task's templates, and Airflow's context of a run that an asset started."""
    dag = built(
        a_pipeline(JOB, params=(model.Param(name="p", schema={"type": "string"}, default="x"),), templates_allow=allow)
    )
    context = instance_of(dag.task_dict["main"], events=(an_event(),)).get_template_context()
    environment = dag.get_template_env().from_string("").environment
    environment.begin()
    return environment, context


def steps(environment: Any, value: Any, live: Any) -> Iterator[tuple[str, Any]]:
    """Every attribute and item of a value that a template can read, by all names that Python knows."""
    from jinja2 import Undefined

    from dag_factory.config.expressions.data import LimitExceeded
    from dag_factory.config.expressions.run_time_names import METHODS
    from dag_factory.config.expressions.run_time_values import Function, Method, NotAllowed

    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, (list, tuple)) else ()
    for name in sorted({*dir(value), *dir(live), *METHODS, "hook", "client"}):
        for read in (environment.getattr, environment.getitem, environment._method):
            try:
                found = read(value, name)
            except (NotAllowed, LimitExceeded):
                continue
            if isinstance(found, Method):
                assert name in METHODS, f"a method `{name}` of {type(value)}"
            elif not isinstance(found, (Undefined, Function)):
                yield name, found
    for key in keys:
        yield f"[{key!r}]", environment.getitem(value, key)


def test_every_path_of_three_steps_gives_data_or_is_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    from jinja2 import Undefined
    from jinja2.utils import missing

    from dag_factory.config.expressions.run_time_names import known
    from dag_factory.config.expressions.run_time_values import Function, Handle, NotAllowed

    earlier = datetime.datetime(2026, 1, 30, tzinfo=datetime.timezone.utc)
    dates = dict.fromkeys(("start_date", "end_date", "data_interval_start", "data_interval_end"), earlier)
    monkeypatch.setattr(  # what Airflow requests from its API server
        "airflow.sdk.execution_time.task_runner.get_previous_dagrun_success", lambda _: SimpleNamespace(**dates)
    )
    environment, context = environment_and_context()
    paths = 0
    names = {*context, *known(), "self", "lipsum", "conn", "var"}
    level = []
    for name in sorted(names):
        try:
            level.append((name, environment.resolve(context, name), context.get(name)))
        except NotAllowed:
            continue
    level = [(path, value, live) for path, value, live in level if not isinstance(value, (Undefined, type(missing)))]
    for _ in range(3):
        below = []
        for path, value, live in level:
            for step, found in steps(environment, value, live):
                paths += 1
                assert isinstance(found, DATA), f"{path}.{step} is a {type(found)}"
                assert type(found).__module__.split(".")[0] in ("builtins", "datetime", "pendulum", "dag_factory")
                below.append((f"{path}.{step}", found, getattr(live, step, None) if step.isidentifier() else None))
        assert not any(isinstance(value, (Handle, Function)) for _, value, _ in below)
        level = below[:2000]
    assert paths > 500


@pytest.mark.parametrize("name", ["conn", "var", "inlet_events", "outlet_events", "task_state_store", "self", "lipsum"])
def test_an_unknown_name_does_not_exist(name: str) -> None:
    from jinja2.utils import missing

    environment, context = environment_and_context()
    assert environment.resolve(context, name) is missing


def fields() -> list[str]:
    from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator

    return list(KubernetesPodOperator.template_fields)


def nested() -> dict[str, Any]:
    """The objects of Kubernetes that the operator renders inside its fields."""
    from kubernetes.client import models as k8s

    return {
        "variable": ("env_vars", [k8s.V1EnvVar(name="A", value=ESCAPE)]),
        "variable's name": ("env_vars", [k8s.V1EnvVar(name=ESCAPE, value="a")]),
        "variables": ("env_vars", {"A": ESCAPE}),
        "claim": (
            "volumes",
            [k8s.V1Volume(name="a", persistent_volume_claim=k8s.V1PersistentVolumeClaimVolumeSource(ESCAPE))],
        ),
        "mount": ("volume_mounts", [k8s.V1VolumeMount(name="a", mount_path="/a", sub_path=ESCAPE)]),
        "resources": ("container_resources", k8s.V1ResourceRequirements(limits={"cpu": ESCAPE})),
    }


def refused(task: Any) -> None:
    from dag_factory.config.expressions.run_time_values import NotAllowed

    ti = instance_of(task)
    with rendering_fails(NotAllowed, match="hook"):
        ti.render_templates(ti.get_template_context(), task.dag.get_template_env())


@pytest.mark.parametrize("field", fields())
def test_every_field_that_the_operator_renders_is_covered(field: str) -> None:
    task = built(a_pipeline(a_job())).task_dict["main"]
    setattr(task, field, [ESCAPE] if isinstance(getattr(task, field), list) else ESCAPE)
    refused(task)


@pytest.mark.parametrize("kind", nested())
def test_the_objects_in_these_fields_are_covered(kind: str) -> None:
    task = built(a_pipeline(a_job())).task_dict["main"]
    field, value = nested()[kind]
    setattr(task, field, value)
    refused(task)


@pytest.mark.parametrize(
    "pod",
    [
        {"spec": {"hostname": ESCAPE}},
        {"metadata": {"labels": {"a": ESCAPE}}},
        {"metadata": {"annotations": {"a": ESCAPE}}},
        {"spec": {"nodeSelector": {"a": ESCAPE}}},
        {"spec": {"volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": ESCAPE}}]}},
        {"spec": {"containers": [{"name": "base", "env": [{"name": "A", "value": ESCAPE}]}]}},
        {"spec": {"containers": [{"name": "base", "image": ESCAPE}]}},
    ],
)
def test_a_pod_overlay_that_sets_such_a_field_is_covered(pod: dict[str, Any]) -> None:
    refused(built(a_pipeline(a_job(pod=pod))).task_dict["main"])


def test_the_namespace_and_the_connection_of_a_cluster_are_covered() -> None:
    for cluster in (model.Cluster(namespace=ESCAPE), model.Cluster(kubernetes_conn_id=ESCAPE)):
        refused(built(a_pipeline(a_job(), cluster=cluster)).task_dict["main"])


def test_a_condition_and_the_label_of_a_mapped_task_are_covered() -> None:
    from airflow.sdk.execution_time.task_runner import _render_map_index

    from dag_factory.config.expressions.run_time_values import NotAllowed

    task = built(a_pipeline(a_job(when=ESCAPE))).task_dict["main"]
    context = instance_of(task).get_template_context()
    with rendering_fails(NotAllowed, match="hook"):
        task._pre_execute_hook(context)
    ti = instance_of(task)
    context = {**ti.get_template_context(), "map_index_template": ESCAPE}
    with pytest.raises(NotAllowed, match="hook"):
        _render_map_index(context, ti, SILENT)


class _Silent:
    def debug(self, *_: Any, **__: Any) -> None:
        pass


SILENT: Any = _Silent()


def test_nothing_but_the_sandbox_compiles_a_template() -> None:
    environment = built(a_pipeline(a_job())).get_template_env()
    with pytest.raises(TypeError, match="from_string"):
        environment.compile("{{ ds }}")
    with pytest.raises(TypeError):
        environment.get_template("a")


def test_an_environment_allows_more_by_name() -> None:
    def shell(text: str, *allow: str) -> str:
        return str(rendered(a_job(args=(text,)), templates_allow=allow).arguments[0])

    assert shell("{{ ti.hostname or 'none' }}", "ti.hostname") == "none"
    assert len(shell("{{ macros.uuid.uuid4().hex }}", "macros.uuid.uuid4")) == 32
    from dag_factory.config.expressions.run_time_values import NotAllowed

    for text in ("{{ macros.uuid.os }}", "{{ macros.uuid.sys.modules }}", "{{ macros.uuid }}", "{{ macros.uuid() }}"):
        with rendering_fails(NotAllowed):
            shell(text, "macros.uuid.uuid4")
    with rendering_fails(NotAllowed):
        shell("{{ macros.uuid.uuid4() }}", "macros.uuid")
    with rendering_fails(NotAllowed):
        shell("{{ ti.task }}", "ti.hostname")


def test_allowed_names_do_not_change_the_serialized_dag() -> None:
    from airflow.serialization.serialized_objects import DagSerialization

    plain, more = (DagSerialization.to_dict(built(a_pipeline(JOB, templates_allow=allow))) for allow in ((), ("var",)))
    assert plain == more
