"""Samples that the schemas accept or reject, with the codes. Both libraries agree on every sample."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from schema_tools import DOCUMENTS, FOLDER, codes, problems, read

CONFIGS = FOLDER.parent / "configs"
GOOD = read((Path(__file__).parent / "good.yaml").read_text("utf-8"))


def job(text: str) -> dict[str, Any]:
    """A pipeline of one job, in flow style."""
    return {"version": 1, "jobs": {"j": read(text)}}


def inside(found: set[tuple[str, str]], prefix: str = "jobs.j") -> set[tuple[str, str]]:
    """Codes with their paths below a prefix."""
    return {(place.removeprefix(prefix).lstrip("."), code) for place, code in found}


@pytest.mark.parametrize("path", sorted((CONFIGS / "pipelines").rglob("*.yaml")), ids=lambda path: path.stem)
def test_the_example_pipelines_are_valid(path: Path) -> None:
    assert problems("pipeline", read(path.read_text("utf-8"))) == []


@pytest.mark.parametrize("path", sorted((CONFIGS / "platform/environments").glob("*.yaml")), ids=lambda path: path.stem)
def test_the_example_environments_are_valid(path: Path) -> None:
    assert problems("environment", read(path.read_text("utf-8"))) == []


@pytest.mark.parametrize("table", ["flavors", "retries", "alerts"])
def test_the_example_tables_are_valid(table: str) -> None:
    assert problems(table, read((CONFIGS / f"platform/{table}.yaml").read_text("utf-8"))) == []


@pytest.mark.parametrize("sample", GOOD["jobs"], ids=str)
def test_a_valid_job(sample: Any) -> None:
    assert problems("pipeline", {"version": 1, "jobs": {"j": sample}}) == []


BAD_JOBS = [
    ("{image: a}", "", "unknown-key"),
    ("{docker_image: ''}", "docker_image", "minLength"),
    ("{docker_image: 1}", "docker_image", "type"),
    ("{command: python -m x}", "command", "type"),
    ("{command: []}", "command", "minItems"),
    ("{args: [{a: 1}]}", "args.0", "type"),
    ("{args: [null]}", "args.0", "type"),
    ("{script: [echo]}", "script", "type"),
    ("{script: echo, command: [run]}", "", "command-with-script"),
    ("{script: echo, args: [run]}", "", "command-with-script"),
    ("{shell: bash}", "shell", "type"),
    ("{working_dir: app}", "working_dir", "bad-path"),
    ("{env: [A]}", "env", "type"),
    ("{env: {1A: x}}", "env", "bad-name"),
    ("{env: {'A B': x}}", "env", "bad-name"),
    ("{env: {A: [x]}}", "env.A", "bad-env"),
    ("{env: {A: {}}}", "env.A", "bad-env"),
    ("{env: {A: {secret: a/b, field: metadata.name}}}", "env.A", "bad-env"),
    ("{env: {A: {value: a}}}", "env.A", "unknown-key"),
    ("{env: {A: {secret: warehouse}}}", "env.A.secret", "bad-reference"),
    ("{env: {A: {secret: Warehouse/url}}}", "env.A.secret", "bad-reference"),
    ("{env: {A: {secret: null}}}", "env.A.secret", "bad-reference"),
    ("{env: {A: {field: metadata.labels}}}", "env.A.field", "bad-field"),
    ("{env_from: {secret: a}}", "env_from", "type"),
    ("{env_from: [a]}", "env_from.0", "type"),
    ("{env_from: [{prefix: A_}]}", "env_from.0", "bad-env-from"),
    ("{env_from: [{secret: a, config_map: b}]}", "env_from.0", "bad-env-from"),
    ("{env_from: [{secret: null}]}", "env_from.0.secret", "bad-name"),
    ("{env_from: [{secret: A}]}", "env_from.0.secret", "bad-name"),
    ("{volumes: [/data]}", "volumes.0", "type"),
    ("{volumes: [{pvc: a}]}", "volumes.0", "required"),
    ("{volumes: [{mount_path: /a}]}", "volumes.0", "bad-volume"),
    ("{volumes: [{mount_path: /a, pvc: a, secret: b}]}", "volumes.0", "bad-volume"),
    ("{volumes: [{mount_path: /a, pvc: a, size: 1Gi}]}", "volumes.0", "bad-volume"),
    ("{volumes: [{mount_path: a, pvc: a}]}", "volumes.0.mount_path", "bad-path"),
    ("{volumes: [{mount_path: '/a:b', pvc: a}]}", "volumes.0.mount_path", "bad-path"),
    ("{volumes: [{mount_path: /a, pvc: A}]}", "volumes.0.pvc", "bad-name"),
    ("{volumes: [{mount_path: /a, pvc: a, sub_path: ../b}]}", "volumes.0.sub_path", "bad-path"),
    ("{volumes: [{mount_path: /a, pvc: a, sub_path: b/..}]}", "volumes.0.sub_path", "bad-path"),
    ("{volumes: [{mount_path: /a, pvc: a, sub_path: /b}]}", "volumes.0.sub_path", "bad-path"),
    ("{volumes: [{mount_path: /a, empty_dir: true}]}", "volumes.0.empty_dir", "type"),
    ("{volumes: [{mount_path: /a, empty_dir: {sizeLimit: 1Gi}}]}", "volumes.0.empty_dir", "unknown-key"),
    ("{volumes: [{mount_path: /a, empty_dir: {}, size: 10}]}", "volumes.0.size", "bad-quantity"),
    ("{depends_on: a}", "depends_on", "type"),
    ("{depends_on: [a, a]}", "depends_on", "uniqueItems"),
    ("{depends_on: ['a b']}", "depends_on.0", "bad-name"),
    ("{trigger_rule: all_good}", "trigger_rule", "bad-trigger-rule"),
    ("{trigger_rule: all_done_setup_success}", "trigger_rule", "bad-trigger-rule"),
    ("{output: true}", "output", "enum"),
    ("{retries: -1}", "retries", "bad-retries"),
    ("{retries: 'a rule'}", "retries", "bad-retries"),
    ("{retries: [transient]}", "retries", "bad-retries"),
    ("{retries: {rule: transient}}", "retries", "unknown-key"),
    ("{retries: 1.5}", "retries", "bad-retries"),
    ("{retries: true}", "retries", "bad-retries"),
    ("{retries: {retries: 1, count: 1}}", "retries", "said-twice"),
    ("{retries: {max_delay: 1m, maximum: 1m}}", "retries", "said-twice"),
    ("{retries: {delay: 30}}", "retries.delay", "bad-duration"),
    ("{retries: {delay: null}}", "retries.delay", "bad-duration"),
    ("{retries: {backoff: linear}}", "retries.backoff", "enum"),
    ("{retries: {on: {}}}", "retries.on", "type"),
    ("{retries: {on: [{then: fail}]}}", "retries.on.0", "bad-retry-rule"),
    ("{retries: {on: [{reason: A, exit_code: 1, then: fail}]}}", "retries.on.0", "bad-retry-rule"),
    ("{retries: {on: [{reason: A}]}}", "retries.on.0", "required"),
    ("{retries: {on: [{reason: A, then: stop}]}}", "retries.on.0.then", "enum"),
    ("{retries: {on: [{reason: oom, then: fail}]}}", "retries.on.0.reason", "bad-reason"),
    ("{retries: {on: [{reason: [], then: fail}]}}", "retries.on.0.reason", "bad-reason"),
    ("{retries: {on: [{reason: [A, 1], then: fail}]}}", "retries.on.0.reason.1", "bad-reason"),
    ("{retries: {on: [{exit_code: 0, then: fail}]}}", "retries.on.0.exit_code", "bad-exit-code"),
    ("{retries: {on: [{exit_code: [1, 256], then: fail}]}}", "retries.on.0.exit_code.1", "bad-exit-code"),
    ("{retries: {on: [{exit_code: '1', then: fail}]}}", "retries.on.0.exit_code", "bad-exit-code"),
    ("{retries: {on: [{reason: A, then: fail, delay: 5s}]}}", "retries.on.0", "bad-retry-rule"),
    ("{retries: {on: [{reason: A, then: retry, delay: 5}]}}", "retries.on.0.delay", "bad-duration"),
    ("{alerts: [a]}", "alerts", "type"),
    ("{alerts: {on_error: [a]}}", "alerts", "unknown-key"),
    ("{alerts: {on_failure: a}}", "alerts.on_failure", "type"),
    ("{alerts: {on_failure: [a, a]}}", "alerts.on_failure", "uniqueItems"),
    ("{alerts: {on_failure: ['#a']}}", "alerts.on_failure.0", "bad-name"),
    ("{timeout: 30}", "timeout", "bad-duration"),
    ("{timeout: '30'}", "timeout", "bad-duration"),
    ("{timeout: 30 s}", "timeout", "bad-duration"),
    ("{timeout: 1m1h}", "timeout", "bad-duration"),
    ("{timeout: ''}", "timeout", "bad-duration"),
    ("{timeout: 1.5h}", "timeout", "bad-duration"),
    ("{timeout: 500ms}", "timeout", "bad-duration"),
    ('{timeout: "30s\\n"}', "timeout", "bad-duration"),
    ("{timeout: ٣s}", "timeout", "bad-duration"),
    ("{keep_pod: sometimes}", "keep_pod", "enum"),
    ("{pool: a b}", "pool", "bad-name"),
    ("{pool_slots: 0}", "pool_slots", "minimum"),
    ("{service_account: Me}", "service_account", "bad-name"),
    ("{labels: {a: b c}}", "labels.a", "bad-label"),
    ("{labels: {a: [b]}}", "labels.a", "bad-label"),
    ("{labels: {'a b': c}}", "labels", "bad-name"),
    ("{annotations: {a: {b: c}}}", "annotations.a", "type"),
    ("{tolerations: {key: a}}", "tolerations", "type"),
    ("{tolerations: [{effect: Never}]}", "tolerations.0.effect", "enum"),
    ("{tolerations: [{toleration_seconds: 1}]}", "tolerations.0", "unknown-key"),
    ("{tolerations: [null]}", "tolerations.0", "type"),
    ("{affinity: {node_affinity: {}}}", "affinity", "unknown-key"),
    (
        "{affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {}}}}",
        "affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution",
        "required",
    ),
    ("{security_context: {runAsUser: '1'}}", "security_context.runAsUser", "type"),
    ("{security_context: {fsGroup: 1}}", "security_context", "unknown-key"),
    ("{pod_security_context: {privileged: true}}", "pod_security_context", "unknown-key"),
    ("{image_pull_policy: always}", "image_pull_policy", "enum"),
    ("{image_pull_secrets: login}", "image_pull_secrets", "type"),
    ("{deferrable: 'yes'}", "deferrable", "type"),
    ("{doc: 1}", "doc", "type"),
    ("{outlets: a}", "outlets", "type"),
    ("{when: params.full}", "when", "bad-when"),
    ("{when: 'yes'}", "when", "bad-when"),
    ("{when: 1}", "when", "bad-when"),
    ("{if: a}", "", "unknown-key"),
    ("{matrix: [a]}", "matrix", "bad-matrix"),
    ("{matrix: {a: b}}", "matrix.a", "bad-matrix"),
    ("{matrix: {a: []}}", "matrix.a", "bad-matrix"),
    ("{matrix: {a: [b, b]}}", "matrix.a", "bad-matrix"),
    ("{matrix: {a: [[b]]}}", "matrix.a.0", "bad-matrix"),
    ("{matrix: {a: [null]}}", "matrix.a.0", "bad-matrix"),
    ("{matrix: {a-b: [c]}}", "matrix", "bad-name"),
    ("{matrix: {include: {a: b}}}", "matrix.include", "bad-matrix"),
    ("{matrix: {include: [a]}}", "matrix.include.0", "bad-matrix"),
    ("{matrix: {exclude: [{}]}}", "matrix.exclude.0", "bad-matrix"),
    ("{matrix: {exclude: [{a: [b]}]}}", "matrix.exclude.0.a", "bad-matrix"),
    ("{matrix: {name: [b]}}", "matrix.name", "bad-name"),
    ("{strategy: {matrix: {}}}", "", "unknown-key"),
    ("{for_each: [DE]}", "for_each", "bad-for-each"),
    ("{for_each: {label: DE}}", "for_each", "bad-for-each"),
    ("{for_each: {list: [a], path: b}}", "for_each", "bad-for-each"),
    ("{for_each: {list: [a], param: b}}", "for_each", "bad-for-each"),
    ("{for_each: {output: a, path: b..c}}", "for_each.path", "bad-for-each"),
    ("{for_each: {as: A}}", "for_each", "bad-for-each"),
    ("{for_each: {as: A, list: [a], output: b}}", "for_each", "bad-for-each"),
    ("{for_each: {as: A, list: a}}", "for_each.list", "bad-for-each"),
    ("{for_each: {as: 1A, list: [a]}}", "for_each.as", "bad-name"),
    ("{for_each: {as: A, output: a b}}", "for_each.output", "bad-name"),
    ("{for_each: {as: A, list: [a], max_parallel: 0}}", "for_each.max_parallel", "minimum"),
    ("{for_each: {as: A, list: [a], items: [a]}}", "for_each", "unknown-key"),
    ("{teardown: create}", "teardown", "bad-teardown"),
    ("{teardown: {}}", "teardown", "bad-teardown"),
    ("{teardown: {of: []}}", "teardown.of", "bad-teardown"),
    ("{teardown: {of: a b}}", "teardown.of", "bad-name"),
    ("{teardown: {of: [a, 1]}}", "teardown.of.1", "bad-name"),
    ("{teardown: {of: a, on_failure: b}}", "teardown", "unknown-key"),
    ("{finally: true}", "", "unknown-key"),
    ("{group: a b}", "group", "bad-name"),
    ("{group: a..b}", "group", "bad-name"),
    ("{group: .a}", "group", "bad-name"),
    ("{outlets: [1]}", "outlets.0", "bad-asset"),
    ("{outlets: ['']}", "outlets.0", "bad-asset"),
    ("{inlets: [{uri: a}]}", "inlets.0", "bad-asset"),
    ("{inlets: [{name: a, any: [a]}]}", "inlets.0", "unknown-key"),
]


@pytest.mark.parametrize(("text", "place", "code"), BAD_JOBS)
def test_an_invalid_job(text: str, place: str, code: str) -> None:
    """Each mistake gives one problem at its own path."""
    assert inside(codes("pipeline", job(text))) == {(place, code)}


WIRING_KEYS = ("depends_on", "matrix", "for_each", "teardown")
JOB_KEYS_THAT_UNSET = """resource_flavor docker_image command args script shell working_dir ports env env_from volumes
    trigger_rule when group
    output retries timeout startup_timeout schedule_timeout termination_grace keep_pod pool pool_slots
    priority_weight service_account labels annotations node_selector tolerations affinity priority_class runtime_class
    image_pull_policy image_pull_secrets security_context pod_security_context host_aliases init_containers sidecars
    presets pod deferrable inlets outlets doc"""


@pytest.mark.parametrize("key", [*JOB_KEYS_THAT_UNSET.split(), *WIRING_KEYS])
def test_null_unsets_a_job_key(key: str) -> None:
    assert problems("pipeline", {"version": 1, "jobs": {"j": {key: None}}}) == []
    if key not in WIRING_KEYS:
        assert problems("pipeline", {"version": 1, "defaults": {key: None}}) == []
        assert problems("environment", {"version": 1, "defaults": {"job": {key: None}}}) == []


def test_null_unsets_inside_maps() -> None:
    maps = "{env: {A: null}, labels: {a: null}, annotations: {a: null}, node_selector: {a: null}}"
    assert problems("pipeline", job(maps)) == []
    assert problems("pipeline", job("{affinity: {podAffinity: null}, security_context: {runAsUser: null}}")) == []


def test_null_is_rejected_where_it_has_no_meaning() -> None:
    assert codes("pipeline", {"version": 1, "only": None}) == {("only", "type")}
    assert codes("flavors", {"version": 1, "flavors": {"f": None}}) == {("flavors.f", "type")}


@pytest.mark.parametrize("sample", GOOD["pipelines"], ids=str)
def test_a_valid_pipeline(sample: Any) -> None:
    assert problems("pipeline", sample) == []


BAD_PIPELINES = [
    ("{description: a}", "", "required"),
    ("{version: 2}", "version", "unknown-version"),
    ("{version: '1'}", "version", "unknown-version"),
    ("{version: true}", "version", "unknown-version"),
    ("{version: 1, dag_id: a}", "", "unknown-key"),
    ("{version: 1, schedule: 5}", "schedule", "bad-schedule"),
    ("{version: 1, schedule: [a]}", "schedule", "bad-schedule"),
    ("{version: 1, schedule: ''}", "schedule", "bad-schedule"),
    ("{version: 1, schedule: '@dayly'}", "schedule", "bad-schedule"),
    ("{version: 1, schedule: {}}", "schedule", "bad-schedule"),
    ("{version: 1, schedule: {every: 1h, cron: '* * * * *'}}", "schedule", "bad-schedule"),
    ("{version: 1, schedule: {every: 30}}", "schedule.every", "bad-duration"),
    ("{version: 1, schedule: {every: 0s}}", "schedule.every", "bad-duration"),
    ("{version: 1, schedule: {every: null}}", "schedule.every", "bad-duration"),
    ("{version: 1, schedule: {cron: []}}", "schedule.cron", "bad-cron"),
    ("{version: 1, schedule: {cron: ['@daily']}}", "schedule.cron.0", "bad-cron"),
    ("{version: 1, schedule: {every: 1h, assets: [a]}}", "schedule", "bad-schedule"),
    ("{version: 1, schedule: {assets: []}}", "schedule.assets", "bad-schedule"),
    ("{version: 1, schedule: {assets: null}}", "schedule.assets", "bad-schedule"),
    ("{version: 1, schedule: {assets: {any: []}}}", "schedule.assets.any", "bad-schedule"),
    ("{version: 1, schedule: {assets: [1]}}", "schedule.assets.0", "bad-asset"),
    ("{version: 1, schedule: {assets: {any: [a], all: [b]}}}", "schedule.assets", "bad-schedule"),
    ("{version: 1, schedule: {assets: [{uri: a}]}}", "schedule.assets.0", "bad-asset"),
    ("{version: 1, schedule: {assets: [{or: [a]}]}}", "schedule.assets.0", "unknown-key"),
    ("{version: 1, timezone: 'Europe Berlin'}", "timezone", "bad-timezone"),
    ("{version: 1, timezone: 1}", "timezone", "bad-timezone"),
    ("{version: 1, start_date: 2026-13-01}", "start_date", "bad-date"),
    ("{version: 1, start_date: yesterday}", "start_date", "bad-date"),
    ("{version: 1, end_date: 20260101}", "end_date", "bad-date"),
    ("{version: 1, catchup: 'no'}", "catchup", "type"),
    ("{version: 1, max_active_runs: 0}", "max_active_runs", "minimum"),
    ("{version: 1, timeout: 90}", "timeout", "bad-duration"),
    ("{version: 1, owner: []}", "owner", "minItems"),
    ("{version: 1, tags: a}", "tags", "type"),
    ("{version: 1, tags: [2024]}", "tags.0", "type"),
    ("{version: 1, only: []}", "only", "minItems"),
    ("{version: 1, only: [Prod]}", "only.0", "bad-name"),
    ("{version: 1, params: [a]}", "params", "type"),
    ("{version: 1, params: {a-b: 1}}", "params", "bad-name"),
    ("{version: 1, params: {a: [1]}}", "params.a", "type"),
    ("{version: 1, params: {a: {required: true}}}", "params.a", "unknown-key"),
    ("{version: 1, params: {a: {type: int}}}", "params.a.type", "enum"),
    ("{version: 1, params: {a: {type: [string, null]}}}", "params.a.type.1", "enum"),
    ("{version: 1, jobs: [a]}", "jobs", "type"),
    ("{version: 1, jobs: {-a: {}}}", "jobs", "bad-name"),
    ("{version: 1, jobs: {a.b: {}}}", "jobs", "bad-name"),
    ("{version: 1, defaults: {depends_on: [a]}}", "defaults", "unknown-key"),
    ("{version: 1, defaults: {script: a, command: [b]}}", "defaults", "command-with-script"),
    ("{version: 1, environments: {dev: {version: 1}}}", "environments.dev", "unknown-key"),
    ("{version: 1, environments: {dev: {only: [a]}}}", "environments.dev", "unknown-key"),
    ("{version: 1, environments: {dev: {environments: {}}}}", "environments.dev", "unknown-key"),
    ("{version: 1, environments: {Dev: {}}}", "environments", "bad-name"),
    ("{version: 1, environments: {dev: {jobs: {a: {timeout: 1}}}}}", "environments.dev.jobs.a.timeout", "bad-duration"),
    ("[a]", "", "type"),
    ("null", "", "type"),
]


@pytest.mark.parametrize(("text", "place", "code"), BAD_PIPELINES)
def test_an_invalid_pipeline(text: str, place: str, code: str) -> None:
    assert codes("pipeline", read(text)) == {(place, code)}


BAD_FLAVORS = [
    ("{cpu: 1 core}", "cpu", "bad-quantity"),
    ("{cpu: 0}", "cpu", "bad-quantity"),
    ("{cpu: 0m}", "cpu", "bad-quantity"),
    ("{cpu: -1}", "cpu", "bad-quantity"),
    ("{cpu: 2Gi}", "cpu", "bad-quantity"),
    ("{memory: 2}", "memory", "bad-quantity"),
    ("{memory: '2'}", "memory", "bad-quantity"),
    ("{memory: 512m}", "memory", "bad-quantity"),
    ("{memory: 2GB}", "memory", "bad-quantity"),
    ("{memory: 0Gi}", "memory", "bad-quantity"),
    ("{memory: 2 Gi}", "memory", "bad-quantity"),
    ("{gpu: 0.5}", "gpu", "bad-gpu"),
    ("{gpu: -1}", "gpu", "bad-gpu"),
    ("{gpu: {resource: amd.com/gpu}}", "gpu", "bad-gpu"),
    ("{gpu: {count: 1, resource: gpu}}", "gpu.resource", "bad-name"),
    ("{requests: {gpu: 1}}", "requests", "bad-name"),
    ("{requests: {ephemeral_storage: 1Gi}}", "requests", "bad-name"),
    ("{limits: {nvidia.com/gpu: 0.5}}", "limits.nvidia.com/gpu", "bad-quantity"),
    ("{cost_per_hour: free}", "cost_per_hour", "type"),
    ("{cost_per_hour: -1}", "cost_per_hour", "minimum"),
    ("{next: a b}", "next", "bad-name"),
    ("{docker_image: a}", "", "unknown-key"),
    ("{command: [a]}", "", "unknown-key"),
    ("{depends_on: [a]}", "", "unknown-key"),
    ("{trigger_rule: all_done}", "", "unknown-key"),
    ("{retries: 1}", "", "unknown-key"),
]


@pytest.mark.parametrize("sample", GOOD["flavors"], ids=str)
def test_a_valid_flavor(sample: Any) -> None:
    assert problems("flavors", {"version": 1, "flavors": {"f": sample}}) == []
    assert problems("environment", {"version": 1, "flavors": {"define": {"f": sample}}}) == []


@pytest.mark.parametrize(("text", "place", "code"), BAD_FLAVORS)
def test_an_invalid_flavor(text: str, place: str, code: str) -> None:
    document = {"version": 1, "flavors": {"f": read(text)}}
    assert inside(codes("flavors", document), "flavors.f") == {(place, code)}


BAD_TABLES = [
    ("{version: 1, pools: {gpu: -1}}", "pools.gpu", "bad-pool"),
    ("{version: 1, pools: {gpu: 1.5}}", "pools.gpu", "bad-pool"),
    ("{version: 1, pools: {'a b': 1}}", "pools", "bad-name"),
    ("{version: 1, flavors: {a/b: {}}}", "flavors", "bad-name"),
    ("{version: 1, flavors: {a: 1}}", "flavors.a", "type"),
    ("{flavors: {}}", "", "required"),
]


@pytest.mark.parametrize(("text", "place", "code"), BAD_TABLES)
def test_an_invalid_flavor_table(text: str, place: str, code: str) -> None:
    assert codes("flavors", read(text)) == {(place, code)}


BAD_ENVIRONMENTS = [
    ("{vars: {a-b: 1}}", "vars", "bad-name"),
    ("{vars: [a]}", "vars", "type"),
    ("{cluster: {namespace: ML}}", "cluster.namespace", "bad-name"),
    ("{cluster: {startup_check_interval: 1}}", "cluster.startup_check_interval", "bad-duration"),
    ("{cluster: {startup_check_interval: 0s}}", "cluster.startup_check_interval", "bad-duration"),
    ("{cluster: {startup_check_interval: 0.5s}}", "cluster.startup_check_interval", "bad-duration"),
    ("{cluster: {fail_waiting_after: 20}}", "cluster.fail_waiting_after", "bad-duration"),
    ("{cluster: {startup_check_interval: 500ms1s}}", "cluster.startup_check_interval", "bad-duration"),
    ("{cluster: {local: {images: {a: folder}}}}", "cluster.local.images.a", "type"),
    ("{cluster: {local: {images: {a: {}}}}}", "cluster.local.images.a", "required"),
    ("{cluster: {local: {images: {a: {folder: ../x}}}}}", "cluster.local.images.a.folder", "bad-path"),
    ("{cluster: {local: {images: {a: {folder: /x}}}}}", "cluster.local.images.a.folder", "bad-path"),
    ("{images: {pull_policy: always}}", "images.pull_policy", "enum"),
    ("{images: {mirrors: {a: docker.io}}}", "images.mirrors", "bad-registry"),
    ("{images: {mirrors: {docker.io: a}}}", "images.mirrors.docker.io", "bad-registry"),
    ("{images: {mirrors: {'docker.io/a:1': docker.io}}}", "images.mirrors", "bad-registry"),
    ("{images: {allowed: a}}", "images.allowed", "type"),
    ("{images: {allowed: []}}", "images.allowed", "minItems"),
    ("{images: {forbid_latest: 'yes'}}", "images.forbid_latest", "type"),
    ("{extends: [a]}", "extends", "bad-name"),
    ("{extends: ../a}", "extends", "bad-name"),
    ("{flavors: {max: {cpu: lots}}}", "flavors.max.cpu", "bad-quantity"),
    ("{flavors: {max: {gpu: 1.5}}}", "flavors.max.gpu", "bad-gpu"),
    ("{flavors: {replace: {a: 1}}}", "flavors.replace.a", "bad-name"),
    ("{flavors: {define: {a: {cpus: 1}}}}", "flavors.define.a", "unknown-key"),
    ("{schedules: never}", "schedules", "enum"),
    ("{alerts: true}", "alerts", "type"),
    ("{alerts: {enabled: 'yes'}}", "alerts.enabled", "type"),
    ("{alerts: {on_failure: [a]}}", "alerts", "unknown-key"),
    ("{links: {source: git.example.com}}", "links.source", "bad-url"),
    ("{links: {source: 'https://git.example.com/{file}'}}", "links.source", "bad-url"),
    ("{links: {pod: 'https://d.example.com/{path}'}}", "links.pod", "bad-url"),
    ("{links: {runbook: 'https://d.example.com/{kind}'}}", "links.runbook", "bad-url"),
    ("{links: {log: 'https://a'}}", "links", "unknown-key"),
    ("{timezone: 1}", "timezone", "bad-timezone"),
    ("{defaults: {env: {A: b}}}", "defaults", "unknown-key"),
    ("{defaults: {pipeline: {schedule: '@daily'}}}", "defaults.pipeline", "unknown-key"),
    ("{defaults: {job: {depends_on: [a]}}}", "defaults.job", "unknown-key"),
]


@pytest.mark.parametrize("sample", GOOD["environments"], ids=str)
def test_a_valid_environment(sample: Any) -> None:
    assert problems("environment", {"version": 1, **sample}) == []


@pytest.mark.parametrize(("text", "place", "code"), BAD_ENVIRONMENTS)
def test_an_invalid_environment(text: str, place: str, code: str) -> None:
    assert codes("environment", {"version": 1, **read(text)}) == {(place, code)}


@pytest.mark.parametrize("sample", GOOD["retries"], ids=str)
def test_a_valid_retry_rule(sample: Any) -> None:
    assert problems("retries", {"version": 1, "rules": {"r": sample}}) == []
    assert problems("pipeline", {"version": 1, "defaults": {"retries": sample}}) == []


BAD_RULES = [
    ("{version: 1, rules: []}", "rules", "type"),
    ("{version: 1, rules: {a b: {}}}", "rules", "bad-name"),
    ("{version: 1, rules: {a: 3}}", "rules.a", "type"),
    ("{version: 1, rules: {a: {count: 3}}}", "rules.a", "unknown-key"),
    ("{version: 1, rules: {a: {retries: 101}}}", "rules.a.retries", "bad-retries"),
    ("{version: 1, rules: {a: {on: [{reason: A, then: nap}]}}}", "rules.a.on.0.then", "enum"),
    ("{version: 1, retries: {}}", "", "unknown-key"),
]


@pytest.mark.parametrize(("text", "place", "code"), BAD_RULES)
def test_invalid_retry_rules(text: str, place: str, code: str) -> None:
    assert codes("retries", read(text)) == {(place, code)}


@pytest.mark.parametrize("sample", GOOD["channels"], ids=str)
def test_a_valid_channel(sample: Any) -> None:
    assert problems("alerts", {"version": 1, "channels": {"c": sample}}) == []


BAD_CHANNELS = [
    ("{}", "", "bad-channel"),
    ("{email: {to: [a@b.c]}, webhook: {connection: a}}", "", "bad-channel"),
    ("{email: a@b.c}", "email", "type"),
    ("{email: {}}", "email", "required"),
    ("{email: {to: a@b.c}}", "email.to", "type"),
    ("{email: {to: [a]}}", "email.to.0", "bad-address"),
    ("{slack: {connection: a}}", "slack", "required"),
    ("{slack: {connection: a, channel: b, token: c}}", "slack", "unknown-key"),
    ("{webhook: {url: 'https://a'}}", "webhook", "required unknown-key"),
    ("{webhook: {connection: ''}}", "webhook.connection", "bad-name"),
    ("{apprise: {tag: a}}", "apprise", "required"),
    ("{apprise: {connection: a, url: 'json://b'}}", "apprise", "unknown-key"),
    ("{email: {to: [a@b.c], connection: ''}}", "email.connection", "bad-name"),
]


@pytest.mark.parametrize(("text", "place", "code"), BAD_CHANNELS)
def test_an_invalid_channel(text: str, place: str, code: str) -> None:
    found = inside(codes("alerts", {"version": 1, "channels": {"c": read(text)}}), "channels.c")
    assert found == {(place, one) for one in code.split()}


@pytest.mark.parametrize("sample", GOOD["teams"], ids=str)
def test_a_valid_team(sample: Any) -> None:
    assert problems("teams", {"version": 1, "teams": {"growth": sample, "growth/ads": sample}}) == []


BAD_TEAMS = [
    ("{teams: [growth]}", "teams", "type"),
    ("{teams: {Growth: {}}}", "teams", "bad-name"),
    ("{teams: {growth/: {}}}", "teams", "bad-name"),
    ("{teams: {growth.ads: {}}}", "teams", "bad-name"),
    ("{teams: {growth: null}}", "teams.growth", "type"),
    ("{teams: {growth: {namespace: ML}}}", "teams.growth.namespace", "bad-name"),
    ("{teams: {growth: {flavors: cpu-small}}}", "teams.growth.flavors", "type"),
    ("{teams: {growth: {flavors: []}}}", "teams.growth.flavors", "minItems"),
    ("{teams: {growth: {images: [1]}}}", "teams.growth.images.0", "type"),
    ("{teams: {growth: {max: {gpus: 1}}}}", "teams.growth.max", "unknown-key"),
    ("{teams: {growth: {require: [jobs]}}}", "teams.growth.require.0", "enum"),
    ("{teams: {growth: {defaults: {env: {}}}}}", "teams.growth.defaults", "unknown-key"),
    ("{teams: {growth: {defaults: {job: {depends_on: [a]}}}}}", "teams.growth.defaults.job", "unknown-key"),
]


@pytest.mark.parametrize(("text", "place", "code"), BAD_TEAMS)
def test_invalid_teams(text: str, place: str, code: str) -> None:
    assert codes("teams", {"version": 1, **read(text)}) == {(place, code)}


def test_a_team_can_require_only_keys() -> None:
    keys = DOCUMENTS["teams.schema.json"]["$defs"]["team"]["properties"]["require"]["items"]["enum"]
    pipeline, job = DOCUMENTS["pipeline.schema.json"], DOCUMENTS["job.schema.json"]["$defs"]["defaults"]
    assert set(keys) <= {*pipeline["properties"], *job["properties"]}
