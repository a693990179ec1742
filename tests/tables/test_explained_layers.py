"""The chain of a value, which is computed from single layers, ends where the compiler took the value from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from compiled_origins import origins
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from table_project import Project
from test_provenance import LAYERS, PROJECT, project_with_layers

from dag_factory.config import open_project
from dag_factory.config.ids import DagId
from dag_factory.explain.explain import find_pipelines, list_fields
from dag_factory.explain.model import Origin

REPOSITORY = Path(__file__).resolve().parents[2]
HOMES = [
    *((REPOSITORY, name) for name in ("local", "dev", "prod")),
    *((REPOSITORY / "tests/real", name) for name in ("development", "production")),
]


def ends(home: Path, environment: str, dag_id: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The place of each value of a pipeline: by its chain, and by the position that the compiler kept."""
    project = open_project(home, environment)
    found = find_pipelines([project], DagId(dag_id))
    [subject] = found.subjects
    explained: dict[str, Any] = {}
    for job in ["", *subject.resolved.source_names]:
        [listing] = list_fields(found, job)
        explained |= {f"jobs.{job}.{one.field}" if job else one.field: end(one) for one in listing.keys}
    compiled = {one.path: (one.file, one.line, one.column) for one in origins(project, subject.pipeline.id)}
    return explained, compiled


def end(origin: Origin) -> tuple[str, int, int]:
    place = origin.place
    return (place.file, place.line, place.column) if place else ("", 0, 0)


def differences(home: Path, environment: str, dag_id: str) -> dict[str, Any]:
    explained, compiled = ends(home, environment, dag_id)
    assert len(compiled) > 2
    # A dependency on a matrix is one on each of its cells, all at the position of the list.
    plain = {path: place for path, place in compiled.items() if path in explained and ".depends_on[" not in path}
    return {path: (explained[path], place) for path, place in plain.items() if explained[path] != place}


@pytest.mark.parametrize(("home", "environment"), HOMES, ids=lambda value: getattr(value, "name", value))
def test_chains_of_examples_end_where_the_compiler_took_the_value_from(home: Path, environment: str) -> None:
    ids = [pipeline.id for pipeline in open_project(home, environment).compile_all().pipelines]
    assert {dag_id: found for dag_id in ids if (found := differences(home, environment, dag_id))} == {}


def test_chains_of_a_project_with_all_tables() -> None:
    with PROJECT.on_disk() as home:
        assert differences(home, "dev", "growth.flow") == {}


VARIABLES = st.dictionaries(st.sampled_from("XYZ"), st.integers(0, 9) | st.none())
LIST = st.lists(st.sampled_from("abcd"), max_size=3, unique=True)
KEYS = st.fixed_dictionaries(
    {},
    optional={
        "env": VARIABLES,
        "image_pull_secrets": LIST,
        "command": st.lists(st.sampled_from("abc"), min_size=1, max_size=3),
        "script": st.sampled_from("ab"),
        "timeout": st.sampled_from(["1h", "2h"]) | st.none(),
        "retries": st.integers(0, 3)
        | st.fixed_dictionaries({"retries": st.integers(0, 3)}, optional={"delay": st.just("1m")}),
        "security_context": st.fixed_dictionaries(
            {}, optional={"runAsUser": st.integers(1, 9), "privileged": st.just(False)}
        ),
    },
)


def fits(keys: dict[str, Any]) -> bool:
    return not ("script" in keys and "command" in keys)


@settings(deadline=None, max_examples=50)
@given(st.dictionaries(st.sampled_from(list(LAYERS)), KEYS.filter(fits)))
def test_chains_of_any_layers_end_where_the_compiler_took_the_value_from(chosen: dict[str, Any]) -> None:
    project: Project = project_with_layers({layer: json.dumps(keys) for layer, keys in chosen.items()})
    with project.on_disk() as home:
        assume(find_pipelines([open_project(home, "dev")], DagId("growth.ads.flow")).subjects)
        assert differences(home, "dev", "growth.ads.flow") == {}
