"""``dagf explain`` knows the origin of every field of the pods that Airflow's operator creates."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any

import pytest
import test_build_keys as keys
from building import built
from sent_pods import PROJECTS, created_pod, set_values, unmarked

from dag_factory.config import open_project
from dag_factory.config.ids import DagId
from dag_factory.explain.explain import find_pipelines, list_fields
from dag_factory.explain.field_paths import leaves
from dag_factory.explain.known_fields import OPERATOR_LABELS
from dag_factory.explain.model import Chain
from dag_factory.explain.pod_chains import chain_of_pod_field, origins_of_pod, pod_lookup
from dag_factory.explain.subject import find_pipeline, take_job_apart, tasks

pytestmark = pytest.mark.usefixtures("no_connection")


def sent(task: Any) -> dict[str, Any]:
    """The pod that the operator creates, after the callbacks that change it."""
    found: dict[str, Any] = set_values(unmarked(created_pod(task)))
    return found


def is_explained(chain: Chain | None) -> bool:
    """Whether the chain says what set the value: the layers of files, a rule with its place, or a reason."""
    if chain is None or chain.kind in ("cluster admission", "default"):
        return False
    if chain.kind in ("file", "run time"):
        places = [*(one.place for one in chain.steps), *(one.place for one in chain.rules)]
        return bool(places) and all(place.file.endswith((".yaml", ".j2")) and place.line for place in places)
    return bool(chain.reason or chain.rules)


def unexplained(home: Path, environment: str) -> Iterator[str]:
    project = open_project(home, environment)
    for pipeline in project.compile_all().pipelines:
        subject = find_pipeline(project, pipeline.id).subject
        assert subject is not None
        dag = built(pipeline)
        for job in pipeline.jobs:
            lookup = pod_lookup(take_job_apart(subject, job.name))
            for text, _, value in leaves(sent(dag.task_dict[job.name])):
                chain = chain_of_pod_field(lookup, text)
                if not is_explained(chain):
                    yield f"{pipeline.id} {job.name} {text} {value!r}: {chain}"
            listed = {one.field: one for one in origins_of_pod(lookup)}
            yield from (
                f"{pipeline.id} {job.name} {one.field}" for one in listed.values() if not (one.place or one.reason)
            )


@pytest.mark.parametrize(("home", "environment"), PROJECTS, ids=lambda value: getattr(value, "name", value))
def test_every_field_of_every_pod_has_an_origin(home: Path, environment: str) -> None:
    assert list(unexplained(home, environment)) == []


def unexplained_fields(files: keys.Files) -> Iterator[str]:
    """The keys of all jobs and the fields of their pods without an origin, and those without a step that wins."""
    with TemporaryDirectory() as home:
        keys.write(Path(home), files)
        found = find_pipelines([open_project(Path(home), "dev")], DagId("team.flow"))
        [subject] = found.subjects
        for job in ["", *tasks(subject)]:
            [listing] = list_fields(found, job)
            yield from (one.field for one in (*listing.keys, *listing.pod) if not (one.place or one.reason))
        for job in tasks(subject):
            lookup = pod_lookup(take_job_apart(subject, job))
            for text, _, _ in leaves(lookup.pod):
                chain = chain_of_pod_field(lookup, text)
                if not is_explained(chain) or (chain and chain.steps and all(one.is_overridden for one in chain.steps)):
                    yield f"{job} {text}: {chain}"


@pytest.mark.parametrize("place", [*keys.KNOWN, *keys.HEADER_KNOWN])
def test_every_key_of_the_language_is_explained_in_every_layer(place: str) -> None:
    """One project for each key, in one of the layers that can set it."""
    rows = keys.JOB if place in keys.KNOWN else keys.HEADER
    known = keys.KNOWN.get(place) or keys.HEADER_KNOWN[place]
    others = set() if "params" in known else {"params_env"}  # it needs params
    found = {key: [*unexplained_fields(keys.placed(place, rows[key][0]))] for key in sorted(known - others)}
    assert {key: fields for key, fields in found.items() if fields} == {}


@pytest.mark.parametrize("place", ["flavor", "flavor in an environment"])
def test_every_key_of_flavors_is_explained(place: str) -> None:
    found = {key: [*unexplained_fields(keys.placed(place, row[0]))] for key, row in keys.FLAVOR.items()}
    assert {key: fields for key, fields in found.items() if fields} == {}


def test_labels_of_the_installed_provider_are_known() -> None:
    from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator

    ti = SimpleNamespace(dag_id="d", task_id="t", run_id="r", try_number=1, map_index=0)
    context: Any = {"ti": ti, "run_id": "r", "dag": SimpleNamespace(parent_dag=None)}
    labels = KubernetesPodOperator._get_ti_pod_labels(context)
    always = {"airflow_version", "airflow_kpo_in_cluster", KubernetesPodOperator.POD_CHECKED_KEY}
    assert {*labels, *always} == {*OPERATOR_LABELS}
