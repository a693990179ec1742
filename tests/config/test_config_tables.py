"""The platform's files: the settings of an environment, and what errors in them affect."""

from __future__ import annotations

import pytest
from written import ENVIRONMENT, FLAVORS, Written

from dag_factory.config.model import Cluster

JOBS = "jobs: {a: {}}"


def problems_of(text: str, flavors: str = FLAVORS) -> list[str]:
    return Written(JOBS, flavors=flavors, environments={"dev": text}).problems()


def test_cluster() -> None:
    cluster = "{namespace: ml, kubernetes_conn_id: k8s, in_cluster: false, startup_check_interval: 500ms}"
    built = Written(JOBS, environments={"dev": f"version: 1\ncluster: {cluster}\n"}).built()
    expected = Cluster(namespace="ml", kubernetes_conn_id="k8s", in_cluster=False, startup_check_interval=0.5)
    assert built.cluster == expected
    assert Written(JOBS).built().cluster == Cluster(startup_check_interval=1.0)


def test_pull_policy_is_the_lowest_layer() -> None:
    text = "version: 1\nimages: {pull_policy: Never}\n"
    assert Written(JOBS, environments={"dev": text}).built().jobs[0].image_pull_policy == "Never"
    over = text + "defaults: {job: {image_pull_policy: Always}}\n"
    assert Written(JOBS, environments={"dev": over}).built().jobs[0].image_pull_policy == "Always"


def test_vars_have_any_values_and_may_use_the_environment() -> None:
    vars_ = "vars: {a: '${{ environment }}', b: [1, {c: 2}], d: null}"
    text = "jobs: {j: {args: ['${{ vars.a }}', '${{ vars.b[1].c }}', '${{ vars.d is defined }}']}}"
    assert Written(text, environments={"dev": f"version: 1\n{vars_}\n"}).built().jobs[0].args == ("dev", "2", "false")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("version: 1\nclustr: {}\n", "unknown-key dev.yaml:2:1 clustr"),
        ("version: 1\nextends: base\n", "unknown-environment dev.yaml:2:10 extends"),
        ("version: 1\ntimezone: Berlin\n", "bad-timezone dev.yaml:2:11 timezone"),
        ("version: 1\ntimezone: '${{ vars.x }}'\n", "undefined-name dev.yaml:2:11 timezone"),
        ("version: 1\ncluster: {namespace: '${{ 5 }}'}\n", "bad-name dev.yaml:2:22 cluster.namespace"),
        ("version: 1\nvars: {a: '${{ vars.b }}', b: 1}\n", "undefined-name dev.yaml:2:11 vars.a"),
        ("version: 1\ndefaults: '${{ vars.x }}'\n", "wrong-type dev.yaml:2:11 defaults"),
        ("version: 1\ndefaults: {job: '${{ vars.x }}'}\n", "wrong-type dev.yaml:2:17 defaults.job"),
        ("version: 1\ndefaults: {job: {depends_on: [a]}}\n", "unknown-key dev.yaml:2:18 defaults.job.depends_on"),
        (
            "version: 1\nflavors: {define: {small: {cpu: lots}}}\n",
            "bad-quantity dev.yaml:2:33 flavors.define.small.cpu",
        ),
        (
            "version: 1\nflavors: {define: {small: {next: smal}}}\n",
            "unknown-flavor dev.yaml:2:34 flavors.define.small.next",
        ),
        ("version: 1\nflavors: {max: {cpu: lots}}\n", "bad-quantity dev.yaml:2:22 flavors.max.cpu"),
        (
            "version: 1\ncluster: {local: {images: {a: '${{ x }}'}}}\n",
            "undefined-name dev.yaml:2:31 cluster.local.images.a",
        ),
        ("version: 1\nvars: {a: 1, a: 2}\n", "duplicate-key dev.yaml:2:14 vars.a"),
        ("version: 7\nnew: words\n", "unknown-version dev.yaml:1:10 version"),
        ("a: [\n", "yaml-syntax dev.yaml:1:5"),
        ("", "empty-file dev.yaml:1:1"),
    ],
)
def test_broken_environment_stops_all_pipelines(text: str, expected: str) -> None:
    assert problems_of(text) == ["broken-table 0:0", expected]


@pytest.mark.parametrize(
    ("flavors", "expected"),
    [
        ("", "empty-file flavors.yaml:1:1"),
        ("[a]\n", "wrong-type flavors.yaml:1:1"),
        ("version: 1\nflavors: {a: [}\n", "yaml-syntax flavors.yaml:2:15"),
        ("version: 2\nwords: new\n", "unknown-version flavors.yaml:1:10 version"),
    ],
)
def test_unreadable_table_stops_all_pipelines(flavors: str, expected: str) -> None:
    assert problems_of(ENVIRONMENT, flavors) == ["broken-table 0:0", expected]


def test_unknown_key_of_the_table_affects_nothing_else() -> None:
    assert problems_of(ENVIRONMENT, FLAVORS + "extra: 1\n") == ["unknown-key flavors.yaml:4:1 extra"]
    assert problems_of(ENVIRONMENT, FLAVORS.replace("gpu: 2", "gpu: 2, odd: x")) == [
        "bad-pool flavors.yaml:2:22 pools.odd"
    ]
    computed = FLAVORS.replace("gpu: 2", "gpu: 2, odd: '${{ 1.5 }}'")
    assert problems_of(ENVIRONMENT, computed) == ["bad-pool flavors.yaml:2:22 pools.odd"]


def test_environment_with_an_error_does_not_affect_another() -> None:
    written = Written(JOBS, environments={"dev": ENVIRONMENT, "prod": "version: 1\nclustr: {}\n"})
    assert written.built("dev").id == "team.flow"
    assert written.compiled("prod").pipelines == ()


def test_newer_version_names_the_command() -> None:
    told = Written(JOBS, flavors="version: 2\n").said()
    assert "`git pull`, then `pip install .`" in told


def test_too_many_problems_are_cut_and_nothing_is_built() -> None:
    wrong = "".join(f"  f{n}: {{cpu: lots}}\n" for n in range(80))
    told = problems_of(ENVIRONMENT, FLAVORS.split("flavors:")[0] + "flavors:\n" + wrong)
    assert len(told) == 52
    assert told[0] == "broken-table 0:0"
    assert told[-1] == "too-many-problems flavors.yaml:54:14"
