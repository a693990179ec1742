"""The order of the layers: environment, defaults, flavor, job, and the overlay of an environment in a pipeline."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from written import ENVIRONMENT, HEAD, Written, built, job, problems, said

from dag_factory.config.model import EnvVar, Job, Retries
from dag_factory.config.positions import Position
from dag_factory.config.schema.annotations import shape
from dag_factory.config.schema.merge import merge
from dag_factory.config.tree import from_python, to_python


def layered(own: str = "{}", defaults: str = "", flavor: str = "", environment: str = "", overlay: str = "{}") -> Job:
    """One job with a value in each given layer."""
    return job(
        f"jobs: {{j: {own}}}\nenvironments: {{dev: {overlay}}}\n",
        head=f"version: 1\ndefaults: {{docker_image: image, resource_flavor: small, {defaults}}}\n",
        flavors=f"version: 1\nflavors: {{small: {{cpu: 1, {flavor}}}}}\n",
        environments={"dev": f"version: 1\ndefaults: {{job: {{{environment}}}}}\n"},  # type: ignore[arg-type]
    )


def env(found: Job) -> dict[str, str | None]:
    return {variable.name: variable.value for variable in found.env}


def test_each_layer_overrides_the_one_before() -> None:
    found = layered(
        environment="env: {A: 1, B: 1, C: 1, D: 1, E: 1}",
        defaults="env: {B: 2, C: 2, D: 2, E: 2}",
        flavor="env: {C: 3, D: 3, E: 3}",
        own="{env: {D: 4, E: 4}}",
        overlay="{jobs: {j: {env: {E: 5}}}}",
    )
    assert env(found) == {"A": "1", "B": "2", "C": "3", "D": "4", "E": "5"}


def test_the_flavor_and_the_job_override_an_overlay_of_defaults() -> None:
    found = layered(defaults="env: {A: 1}", flavor="env: {B: 2}", own="{env: {C: 3}}",
                    overlay="{defaults: {env: {A: o, B: o, C: o}}}")  # fmt: skip
    assert env(found) == {"A": "o", "B": "2", "C": "3"}


@pytest.mark.parametrize("layer", ["environment", "defaults"])
def test_null_in_a_job_unsets_lower_layers(layer: str) -> None:
    lower = {layer: "retries: 3, env: {A: a, B: b}, tolerations: [{operator: Exists}]"}
    found = layered(own="{retries: null, env: {A: null}, tolerations: null}", **lower)
    assert (found.retries, env(found), found.tolerations) == (Retries(), {"B": "b"}, ())


def test_null_unsets_from_every_layer() -> None:
    assert layered(environment="retries: 3", defaults="retries: null").retries == Retries()
    assert env(layered(defaults="env: {A: a}", flavor="env: {A: null}")) == {}
    assert layered(flavor="service_account: robot", own="{service_account: null}").service_account is None


def test_null_in_an_overlay_unsets_the_value_of_the_job_and_the_default() -> None:
    found = layered(defaults="retries: 3", own="{retries: 5}", overlay="{jobs: {j: {retries: null}}}")
    assert found.retries == Retries()
    assert layered(defaults="retries: 3", overlay="{defaults: {retries: null}}").retries == Retries()


def test_null_in_a_pipeline_unsets_the_default_of_the_environment() -> None:
    environments = {"dev": "version: 1\ndefaults: {pipeline: {max_active_runs: 3, timeout: 1h}}\n"}
    found = Written("max_active_runs: null\njobs: {a: {}}\n", environments=environments).built()
    assert (found.max_active_runs, found.timeout) == (None, 3600)


def test_null_is_a_schedule() -> None:
    written = Written(
        'schedule: "@daily"\njobs: {a: {}}\nenvironments: {dev: {schedule: null}}\n',
        environments={"dev": ENVIRONMENT, "prod": ENVIRONMENT},
    )
    assert "Manual" in repr(written.built("dev").schedule)
    assert "@daily" in repr(written.built("prod").schedule)


def test_null_in_an_overlay_removes_a_job() -> None:
    found = built("jobs: {a: {}, b: {}, c: null}\nenvironments: {dev: {jobs: {b: null}}}\n")
    assert [each.name for each in found.jobs] == ["a", "c"]


def test_a_dependency_on_a_removed_job_is_reported_at_the_dependent_job() -> None:
    assert problems("jobs: {a: {}, b: {depends_on: [a]}}\nenvironments: {dev: {jobs: {a: null}}}\n") == [
        "unknown-job 1:32 jobs.b.depends_on[0]"
    ]
    assert problems("jobs: {a: {}}\nenvironments: {dev: {jobs: {b: null}}}\n") == [
        "unknown-job 2:29 environments.dev.jobs.b"
    ]


def test_an_overlay_can_add_a_job_and_an_empty_one_changes_nothing() -> None:
    assert [each.name for each in built("jobs: {a: {}}\nenvironments: {dev: {jobs: {b: {}}}}\n").jobs] == ["a", "b"]
    assert built("jobs: {a: {}}\nenvironments: {dev: null}\n") == built("jobs: {a: {}}\nenvironments:\n")


def test_an_empty_job_gets_the_defaults() -> None:
    assert job("jobs:\n  report:\n").image == "image"


def test_defaults_with_an_image_are_one_job() -> None:
    assert [each.name for each in built("").jobs] == ["main"]
    assert [each.name for each in built("jobs:\n").jobs] == ["main"]


def test_without_jobs_there_is_nothing_to_build() -> None:
    assert problems("", head="version: 1\n") == ["no-jobs 0:1"]
    assert problems("jobs: {}") == ["no-jobs 1:7 jobs"]
    assert problems("jobs: {a: {}}\nenvironments: {dev: {jobs: {a: null}}}\n") == ["no-jobs 2:28 environments.dev.jobs"]


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        ("command: [low]", "script: high", ("/bin/sh", "-ec", "high")),
        ("command: [low], args: [x]", "script: high", ("/bin/sh", "-ec", "high")),
        ("script: low", "command: [high]", ("high",)),
        ("script: low", "args: [high]", None),
        ("command: [low]", "args: [high]", ("low",)),
        ("script: low", "script: null", None),
    ],
)
def test_a_script_removes_a_lower_command_and_the_reverse(
    low: str, high: str, expected: tuple[str, ...] | None
) -> None:
    assert layered(defaults=low, own=f"{{{high}}}").command == expected
    assert layered(own=f"{{{low}}}", overlay=f"{{jobs: {{j: {{{high}}}}}}}").command == expected
    assert layered(environment=low, defaults=high).command == expected


def test_one_of_maps_are_replaced() -> None:
    found = layered(defaults="env: {A: {secret: a/b}}, retries: {retries: 3, delay: 30s}",
                    own="{env: {A: {config_map: c/d}}, retries: {retries: 1}}")  # fmt: skip
    assert [variable.name for variable in found.env if variable.secret] == []
    assert found.retries == Retries(count=1)
    pipeline = built("schedule: {every: 1h}\njobs: {a: {}}\nenvironments: {dev: {schedule: {cron: 0 3 * * *}}}\n")
    assert "0 3 * * *" in repr(pipeline.schedule)


def test_volumes_merge_by_their_mount_path() -> None:
    found = layered(
        environment="volumes: [{mount_path: /a, pvc: a, read_only: true}, {mount_path: /b, pvc: b}]",
        own="{volumes: [{mount_path: /c, pvc: c}, {mount_path: /a, empty_dir: {}}]}",
    )
    assert [(volume.mount_path, volume.kind, volume.read_only) for volume in found.volumes] == [
        ("/a", "empty_dir", False),
        ("/b", "pvc", False),
        ("/c", "pvc", False),
    ]


def test_some_lists_are_joined_without_duplicates_and_others_are_replaced() -> None:
    found = layered(
        environment="image_pull_secrets: [a, b], tolerations: [{key: x}], command: [low, low]",
        flavor="tolerations: [{key: y}]",
        own="{image_pull_secrets: [b, c], tolerations: [{key: x}], command: [high]}",
    )
    assert found.image_pull_secrets == ("a", "b", "c")
    assert found.tolerations == ({"key": "x"}, {"key": "y"})
    assert found.command == ("high",)


def test_tags_of_environment_pipeline_and_overlay_are_joined() -> None:
    environments = {"dev": "version: 1\ndefaults: {pipeline: {tags: [house], owner: them}}\n"}
    text = "tags: [a, house]\njobs: {j: {}}\nenvironments: {dev: {tags: [b]}}\n"
    found = Written(text, environments=environments).built()
    assert (found.tags, found.owner) == (("house", "a", "b"), ("them",))


def test_only_lists_the_environments_of_a_pipeline() -> None:
    written = Written("only: [prod]\njobs: {a: {}}\n", environments={"dev": ENVIRONMENT, "prod": ENVIRONMENT})
    assert written.compiled("dev").pipelines == ()
    assert written.problems("dev") == []
    assert written.built("prod").environment == "prod"


def test_an_unknown_environment_is_reported_even_if_the_pipeline_does_not_exist_there() -> None:
    assert problems("only: [prdo]\njobs: {a: {}}\n") == ["unknown-environment 1:8 only[0]"]
    assert problems("jobs: {a: {}}\nenvironments: {deev: {}}\n") == ["unknown-environment 2:16 environments.deev"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("jobs: ${{ vars.x }}", "wrong-type 1:7 jobs"),
        ("jobs: {a: '${{ vars.x }}'}", "wrong-type 1:11 jobs.a"),
        ("environments: ${{ vars.x }}", "wrong-type 1:15 environments"),
        ("environments: {dev: '${{ vars.x }}'}", "wrong-type 1:21 environments.dev"),
        ("only: ${{ vars.x }}", "wrong-type 1:7 only"),
        ("only: ['${{ environment }}']", "bad-name 1:8 only[0]"),
    ],
)
def test_static_keys_cannot_be_expressions(text: str, expected: str) -> None:
    assert problems(text) == [expected]


def test_the_version_cannot_be_an_expression() -> None:
    assert problems("version: ${{ 1 }}\n", head="") == ["unknown-version 1:10 version"]


def test_large_defaults_of_many_jobs_are_rejected() -> None:
    env = ", ".join(f"A{number}: x" for number in range(1_000))
    jobs = "\n".join(f"  j{number}: {{}}" for number in range(600))
    head = f"version: 1\ndefaults: {{docker_image: image, resource_flavor: small, env: {{{env}}}}}\n"
    assert problems(f"jobs:\n{jobs}", head=head) == ["too-many-values 402:3 jobs.j400"]


def test_the_head_of_the_tests_is_correct() -> None:
    assert HEAD.count("\n") == 2
    assert job("jobs: {a: {env: {X: 1}}}").env == (EnvVar(name="X", value="1"),)


_JOB = shape("job.schema.json", "/$defs/job")
_NULL_OR_TEXT = st.one_of(st.none(), st.sampled_from(["a", "b", "c"]))
_TEXTS = st.dictionaries(st.sampled_from("XYZ"), _NULL_OR_TEXT, max_size=3)
_VOLUMES = st.lists(
    st.fixed_dictionaries({"mount_path": st.sampled_from(["/a", "/b"]), "pvc": st.sampled_from("pq")}),
    max_size=2,
    unique_by=lambda volume: volume["mount_path"],
)
_LAYER = st.fixed_dictionaries(
    {},
    optional={
        "env": st.one_of(st.none(), _TEXTS),
        "labels": _TEXTS,
        "volumes": st.one_of(st.none(), _VOLUMES),
        "tolerations": st.lists(st.fixed_dictionaries({"key": st.sampled_from("kl")}), max_size=2),
        "retries": st.one_of(st.none(), st.integers(0, 3), st.sampled_from([{"retries": 1}, {"delay": "1s"}, "rule"])),
        "depends_on": st.lists(st.sampled_from("ab"), max_size=2),
        "service_account": _NULL_OR_TEXT,
        "affinity": st.just({"nodeAffinity": None, "podAffinity": {"x": 1}}),
    },
)


def laid(*layers: Any) -> Any:
    merged = None
    for layer in layers:
        merged = merge(merged, from_python(layer, Position("f")), _JOB)
    return to_python(merged) if merged else {}


def nulls(value: Any) -> bool:
    if isinstance(value, dict):
        return any(item is None or nulls(item) for item in value.values())
    return isinstance(value, list) and any(nulls(item) for item in value)


@settings(deadline=None)
@given(_LAYER, _LAYER, _LAYER)
def test_two_layers_merged_first_give_the_same_result(low: Any, middle: Any, high: Any) -> None:
    """An overlay of a pipeline must not change how the pipeline merges with lower layers."""
    upper = merge(from_python(middle, Position("f")), from_python(high, Position("f")), _JOB, unset=False)
    assert upper is not None
    joined, apart = laid(low, to_python(upper)), laid(low, middle, high)
    for key in (
        "env",
        "labels",
        "affinity",
    ):  # a null map in the middle removes the lower map; a single layer cannot express that
        if middle.get(key, 0) is None:
            joined.pop(key, None), apart.pop(key, None)
    for key in ("volumes", "tolerations"):
        if middle.get(key, 0) is None or high.get(key, 0) is None:
            joined.pop(key, None), apart.pop(key, None)
    for found in (joined, apart):  # two forms of a number
        if isinstance(found.get("retries"), int):
            found["retries"] = {"retries": found["retries"]}
    assert joined == apart


@settings(deadline=None)
@given(_LAYER, _LAYER)
def test_a_merged_tree_has_no_null_and_no_duplicate_path(low: Any, high: Any) -> None:
    merged = laid(low, high)
    assert not nulls(merged)
    paths = [volume["mount_path"] for volume in merged.get("volumes", [])]
    assert len(paths) == len(set(paths))
    assert set(paths) <= {volume["mount_path"] for layer in (low, high) for volume in layer.get("volumes") or []}


@settings(deadline=None)
@given(_LAYER)
def test_a_layer_over_itself_or_over_nothing_is_unchanged(layer: Any) -> None:
    assert laid(layer, layer) == laid(layer) == laid({}, layer)


def test_an_overlay_cannot_remove_all_jobs_with_null() -> None:
    text = "jobs: {a: {}}\nenvironments: {dev: {jobs: null}}\n"
    assert problems(text) == ["no-jobs 2:22 environments.dev.jobs"]
    assert "jobs: {report: null}" in said(text)
