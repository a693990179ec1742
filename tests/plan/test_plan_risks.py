"""Risks: for each kind, a change that has it and a similar change that does not."""

from __future__ import annotations

from pathlib import Path

import pytest
from two_sides import TODAY, files, risks, write

from dag_factory.plan.comparison.compare import compare
from dag_factory.plan.judge import judge
from dag_factory.plan.model import Risk
from dag_factory.plan.risks.kinds import RISKS

RUN = "jobs: {say: {command: [echo]}}\n"
Files = dict[str, str]


def flow(text: str, **others: str) -> Files:
    """A project whose pipeline has these lines."""
    return {"flow": text, **others}


def job(keys: str, **others: str) -> Files:
    """A project whose pipeline has one job with these keys."""
    return {"flow": f"jobs:\n  say: {{command: [echo], {keys}}}\n", **others}


def environment(keys: str) -> Files:
    return flow(RUN, environments__dev=f"version: 1\n{keys}\n")


def team(keys: str) -> Files:
    return flow(RUN, teams=f"version: 1\nteams:\n  a: {{{keys}}}\n")


SECRET = "env: {{PASSWORD: {{secret: db/{key}}}}}"
VARIABLE = "{name: A, valueFrom: {secretKeyRef: {name: db, key: a}}}"
INIT = f"init_containers: [{{name: wait, image: 'acme/wait:1', env: [{VARIABLE}]}}]"
DAILY = flow("schedule: '0 3 * * *'\n" + RUN)
PAST = "schedule: '0 3 * * *'\nstart_date: 2026-03-01\n"
ALERTS = {"alerts": "version: 1\nchannels:\n  mail: {email: {to: [a@example.com]}}\n"}

FIRES: dict[str, tuple[str, Files, Files]] = {
    "removed DAG": (
        "dag-removed",
        {"pipelines__a__b": "version: 1\n" + "jobs: {x: {docker_image: 'a/b:1', resource_flavor: small}}", **flow(RUN)},
        flow(RUN),
    ),
    "catchup": ("catchup", flow(PAST + RUN), flow(PAST + "catchup: true\n" + RUN)),
    "catchup from an earlier day": (
        "catchup",
        flow("schedule: '@daily'\ncatchup: true\nstart_date: 2026-03-05\n" + RUN),
        flow("schedule: '@daily'\ncatchup: true\nstart_date: 2026-02-05\n" + RUN),
    ),
    "manual to scheduled": ("newly-scheduled", flow(RUN), DAILY),
    "paused to scheduled": (
        "newly-scheduled",
        flow("paused: true\nschedule: '@daily'\n" + RUN),
        flow("schedule: '@daily'\n" + RUN),
    ),
    "environment turns schedules on": (
        "newly-scheduled",
        {**DAILY, "environments__dev": "version: 1\nschedules: manual\n"},
        {**DAILY, "environments__dev": "version: 1\n"},
    ),
    "latest": ("moving-image", job("timeout: 1h"), job("docker_image: 'acme/image:latest'")),
    "no tag": ("moving-image", job("timeout: 1h"), job("docker_image: acme/image")),
    "latest in a sidecar": ("moving-image", job("timeout: 1h"), job("sidecars: [{name: s, image: acme/s}]")),
    "removed job with downstream": (
        "job-removed",
        flow("jobs: {a: {command: [x]}, b: {command: [x], depends_on: [a]}}"),
        flow("jobs: {b: {command: [x]}}"),
    ),
    "more often": ("runs-more-often", DAILY, flow("schedule: '0 3,15 * * *'\n" + RUN)),
    "weekend, too": ("runs-more-often", flow("schedule: '0 3 * * 1-5'\n" + RUN), DAILY),
    "shorter interval": (
        "runs-more-often",
        flow("schedule: {every: 2h}\n" + RUN),
        flow("schedule: {every: 1h}\n" + RUN),
    ),
    "secret in env": ("new-secret", job("timeout: 1h"), job(SECRET.format(key="a"))),
    "secret in env_from": ("new-secret", job("timeout: 1h"), job("env_from: [{secret: db}]")),
    "secret in volumes": ("new-secret", job("timeout: 1h"), job("volumes: [{secret: db, mount_path: /x}]")),
    "pull secret": ("new-secret", job("timeout: 1h"), job("image_pull_secrets: [db]")),
    "secret in an init container": ("new-secret", job("timeout: 1h"), job(INIT)),
    "secret in an overlay": (
        "new-secret",
        job("timeout: 1h"),
        job("pod: {spec: {volumes: [{name: v, secret: {secretName: db}}]}}"),
    ),
    "depends on past": ("depends-on-past", flow(RUN), flow("depends_on_past: true\n" + RUN)),
    "retries to 0": ("retries-removed", job("retries: 2"), job("retries: 0")),
    "timeout of a job": ("timeout-removed", job("timeout: 1h"), job("retries: 0")),
    "timeout of a run": ("timeout-removed", flow("timeout: 1h\n" + RUN), flow(RUN)),
    "deadline": ("alerts-reduced", flow("deadline: 1h\n" + RUN), flow(RUN)),
    "alert": (
        "alerts-reduced",
        flow("alerts: {on_failure: [mail]}\n" + RUN, **ALERTS),
        flow(RUN, **ALERTS),
    ),
    "service account": ("service-account-changed", job("service_account: reader"), job("service_account: admin")),
    "privileged": ("more-privileges", job("timeout: 1h"), job("security_context: {privileged: true}")),
    "path of the node": ("more-privileges", job("timeout: 1h"), job("volumes: [{host_path: /etc, mount_path: /x}]")),
    "namespace": (
        "namespace-changed",
        environment("cluster: {namespace: a}"),
        environment("cluster: {namespace: b}"),
    ),
    "pod security": ("guard-loosened", environment("pod_security: baseline"), environment("pod_security: privileged")),
    "images of the environment": (
        "guard-loosened",
        environment("images: {allowed: ['acme/*']}"),
        environment("images: {allowed: ['acme/*', 'other/*']}"),
    ),
    "maximum of the environment": (
        "guard-loosened",
        environment("flavors: {max: {memory: 16Gi}}"),
        environment("flavors: {max: {memory: 32Gi}}"),
    ),
    "limit removed": ("guard-loosened", environment("limits: {timeout: 1h}"), environment("description: x")),
    "interval": (
        "guard-loosened",
        environment("limits: {min_schedule_interval: 1h}"),
        environment("limits: {min_schedule_interval: 5m}"),
    ),
    "latest allowed": (
        "guard-loosened",
        environment("images: {forbid_latest: true}"),
        environment("images: {forbid_latest: false}"),
    ),
    "flavors of a team": ("guard-loosened", team("flavors: [small]"), team("flavors: [small, large]")),
    "secrets of a team": ("guard-loosened", team("secrets: [a]"), team("secrets: ['*']")),
    "required key": (
        "guard-loosened",
        team("require: [timeout], defaults: {job: {timeout: 1h}}"),
        team("defaults: {job: {timeout: 1h}}"),
    ),
    "team removed": ("guard-loosened", team("secrets: [a]"), flow(RUN)),
    "any change": ("runs-in-progress", job("timeout: 1h"), job("timeout: 2h")),
}
NEAR: dict[str, tuple[str, Files, Files]] = {
    "added DAG": (
        "dag-removed",
        flow(RUN),
        {"pipelines__a__b": "version: 1\n" + "jobs: {x: {docker_image: 'a/b:1', resource_flavor: small}}", **flow(RUN)},
    ),
    "catchup with a future start": (
        "catchup",
        flow(RUN),
        flow("schedule: '@daily'\ncatchup: true\nstart_date: 2026-03-11\n" + RUN),
    ),
    "catchup of a manual pipeline": ("catchup", flow(RUN), flow("catchup: true\n" + RUN)),
    "catchup from a later day": (
        "catchup",
        flow("schedule: '@daily'\ncatchup: true\nstart_date: 2026-02-05\n" + RUN),
        flow("schedule: '@daily'\ncatchup: true\nstart_date: 2026-03-05\n" + RUN),
    ),
    "scheduled to manual": ("newly-scheduled", DAILY, flow(RUN)),
    "new and paused": ("newly-scheduled", flow(RUN), flow("paused: true\nschedule: '@daily'\n" + RUN)),
    "fixed tag": ("moving-image", job("timeout: 1h"), job("docker_image: 'acme/image:2'")),
    "digest": ("moving-image", job("timeout: 1h"), job(f"docker_image: 'acme/image@sha256:{'a' * 64}'")),
    "latest before": (
        "moving-image",
        job("docker_image: acme/image"),
        job("docker_image: acme/image, working_dir: /x"),
    ),
    "removed last job": (
        "job-removed",
        flow("jobs: {a: {command: [x]}, b: {command: [x], depends_on: [a]}}"),
        flow("jobs: {a: {command: [x]}}"),
    ),
    "at another hour": ("runs-more-often", DAILY, flow("schedule: '0 5 * * *'\n" + RUN)),
    "less often": ("runs-more-often", DAILY, flow("schedule: '@weekly'\n" + RUN)),
    "another key of the secret": ("new-secret", job(SECRET.format(key="a")), job(SECRET.format(key="b"))),
    "config map": ("new-secret", job("timeout: 1h"), job("env_from: [{config_map: db}]")),
    "no depends on past": ("depends-on-past", flow("depends_on_past: true\n" + RUN), flow(RUN)),
    "fewer retries": ("retries-removed", job("retries: 2"), job("retries: 1")),
    "longer timeout": ("timeout-removed", job("timeout: 1h"), job("timeout: 2h")),
    "later deadline": ("alerts-reduced", flow("deadline: 1h\n" + RUN), flow("deadline: 2h\n" + RUN)),
    "same service account": (
        "service-account-changed",
        job("service_account: admin"),
        job("service_account: admin, timeout: 1h"),
    ),
    "restricted user": ("more-privileges", job("timeout: 1h"), job("security_context: {runAsUser: 1000}")),
    "privileged before": (
        "more-privileges",
        job("security_context: {privileged: true}"),
        job("security_context: {privileged: true}, annotations: {a: b}"),
    ),
    "same namespace": (
        "namespace-changed",
        environment("cluster: {namespace: a}"),
        environment("cluster: {namespace: a, in_cluster: true}").copy() | environment("cluster: {namespace: a}"),
    ),
    "stricter pod security": (
        "guard-loosened",
        environment("pod_security: baseline"),
        environment("pod_security: restricted"),
    ),
    "fewer images": (
        "guard-loosened",
        environment("images: {allowed: ['acme/*', 'other/*']}"),
        environment("images: {allowed: ['acme/*']}"),
    ),
    "narrower pattern": (
        "guard-loosened",
        environment("images: {allowed: ['acme/*']}"),
        environment("images: {allowed: ['acme/im*']}"),
    ),
    "lower maximum": (
        "guard-loosened",
        environment("flavors: {max: {memory: 32Gi}}"),
        environment("flavors: {max: {memory: 16384Mi}}"),
    ),
    "same maximum": (
        "guard-loosened",
        environment("flavors: {max: {memory: 16Gi}}"),
        environment("flavors: {max: {memory: 16384Mi}}"),
    ),
    "longer interval": (
        "guard-loosened",
        environment("limits: {min_schedule_interval: 5m}"),
        environment("limits: {min_schedule_interval: 1h}"),
    ),
    "new limit": ("guard-loosened", environment("description: x"), environment("limits: {timeout: 1h}")),
    "moved rule": (
        "guard-loosened",
        team("secrets: [a]"),
        flow(RUN, teams="version: 1\n\n# more\nteams:\n  a: {secrets: [a]}\n"),
    ),
    "no change": ("runs-in-progress", flow(RUN), flow(RUN)),
}


@pytest.mark.parametrize("name", FIRES)
def test_a_change_has_the_risk(name: str) -> None:
    kind, before, after = FIRES[name]
    found = [risk for risk in risks(before, after) if risk.kind == kind]
    assert found, risks(before, after)
    assert all(risk.places for risk in found)


@pytest.mark.parametrize("name", NEAR)
def test_a_similar_change_does_not_have_it(name: str) -> None:
    kind, before, after = NEAR[name]
    assert kind not in [risk.kind for risk in risks(before, after)]


def test_each_kind_has_both_cases() -> None:
    tested_elsewhere = {"dag-renamed", "environment-added", "guards-unknown"}
    assert (
        {kind for kind, _, _ in FIRES.values()}
        == {kind for kind, _, _ in NEAR.values()}
        == set(RISKS) - tested_elsewhere
    )


def test_equal_risks_of_several_dags_are_one() -> None:
    text = "version: 1\njobs: {x: {docker_image: 'a/b:1', resource_flavor: small%s}}"
    before = {f"pipelines__a__{name}": text % "" for name in ("one", "two")}
    after = dict.fromkeys(before, text % ", env_from: [{secret: db}]")
    (risk,) = (one for one in risks(before, after) if one.kind == "new-secret")
    assert [(place.dag_id, place.job) for place in risk.places] == [("a.one", "x"), ("a.two", "x")]
    assert risk.sentence == "The secret `db` is newly used."


def test_catchup_counts_the_runs_up_to_the_date() -> None:
    before = flow(PAST + RUN)
    after = flow(PAST + "catchup: true\n" + RUN)
    (risk,) = (one for one in risks(before, after) if one.kind == "catchup")
    assert "up to 10 runs" in risk.sentence and "as of 2026-03-10" in risk.sentence


def judged(folder: Path, before: Files, after: Files) -> list[Risk]:
    """The risks of all environments, by way of the whole comparison."""
    homes = folder / "before", folder / "after"
    for home, named in zip(homes, (before, after), strict=True):
        write(files(**named), home)
    return list(judge(compare(*homes), *homes, None, TODAY).risks)


def test_a_renamed_dag_loses_its_history(tmp_path: Path) -> None:
    text = "version: 1\njobs: {x: {docker_image: 'a/b:1', resource_flavor: small}}\n"
    found = judged(tmp_path, {"pipelines__a__old": text}, {"pipelines__a__new": text})
    (risk,) = (one for one in found if one.kind == "dag-renamed")
    assert [place.dag_id for place in risk.places] == ["a.new"] and "The DAG was `a.old`." in risk.sentence
    assert "dag-removed" not in {one.kind for one in found}


DAILY_PAST = "version: 1\nschedule: '@daily'\ncatchup: true\nstart_date: 2026-03-01\n"
ONE_JOB = "jobs: {x: {docker_image: 'a/b:1', resource_flavor: small}}\n"


def catchup(folder: Path, before: Files, after: Files) -> str:
    (risk,) = (one for one in judged(folder, before, after) if one.kind == "catchup")
    assert risk.runs == 10
    return risk.sentence


def test_catchup_says_that_a_dag_is_new_only_if_it_is(tmp_path: Path) -> None:
    text = DAILY_PAST + ONE_JOB
    new = "Catchup starts up to 10 runs for the past: the DAG is new, and its runs begin on 2026-03-01."
    unknown = "Catchup starts up to 10 runs for the past, if the DAG never ran, as of 2026-03-10."
    assert catchup(tmp_path / "added", {}, {"pipelines__a__new": text}) == new
    assert catchup(tmp_path / "renamed", {"pipelines__a__old": text}, {"pipelines__a__new": text}) == new
    broken = text.replace("small", "smal")
    assert catchup(tmp_path / "repaired", {"pipelines__a__b": broken}, {"pipelines__a__b": text}) == unknown


def test_a_new_environment_names_its_dags(tmp_path: Path) -> None:
    found = judged(tmp_path, flow(RUN), flow(RUN, environments__prod="version: 1\n"))
    (risk,) = (one for one in found if one.kind == "environment-added")
    assert [(place.environment, place.dag_id) for place in risk.places] == [("prod", "a.flow")]


@pytest.mark.parametrize(
    "broken", [{"flavors": "flavors: {a: {cpu: 1, memory: 3Gi #x, y}\n"}, {"teams": "version: 1\nteams: [\n"}]
)
def test_limits_of_broken_tables_are_unknown_and_not_loosened(tmp_path: Path, broken: Files) -> None:
    guarded = {**environment("pod_security: baseline"), **team("secrets: [a]"), **DAILY}
    kinds = {one.kind for one in judged(tmp_path, guarded, {**guarded, **broken})}
    assert kinds == {"guards-unknown"}
