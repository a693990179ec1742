"""Random edits of a project: of every key of pipelines, jobs, flavors and the other tables, and of the text only."""

from __future__ import annotations

import copy
import json
import random
from typing import Any

Files = dict[str, Any]
"""The files below ``configs/`` without ``.yaml``, as data."""

GONE = object()
"""The value of an edit that removes a key."""
IMAGE = "acme.example/image:1"
_SIDECAR = {"name": "beside", "image": IMAGE}

POD: dict[str, list[Any]] = {
    "ports": [[8080], [8080, 9090], [9090, 8080]],
    "env": [
        {"A": "1"},
        {"A": "1.0"},
        {"B": {"secret": "s/k"}, "A": "1"},
        {"A": "1", "B": {"secret": "s/k"}},
        {"C": {"config_map": "c/k"}, "D": {"field": "metadata.name"}},
        {"A": "{{ ds }}"},
    ],
    "env_from": [[{"secret": "s"}], [{"config_map": "c", "prefix": "P_"}, {"secret": "s"}]],
    "volumes": [
        [{"mount_path": "/p", "pvc": "claim", "name": "called"}],
        [{"mount_path": "/p", "pvc": "claim", "name": "called", "read_only": True}],
        [{"mount_path": "/e", "empty_dir": {"medium": "Memory"}, "size": "1Gi", "name": "room"}],
        [{"mount_path": "/dev/shm", "empty_dir": {}, "name": "room"}],
    ],
    "startup_timeout": ["10m", "7m", "420s"],
    "termination_grace": ["2m", "120s", "30s"],
    "service_account": ["who", "default"],
    "labels": [{"cost": "1"}, {"cost": "2", "a/b": "c"}],
    "annotations": [{"a": "b c"}, {"a": "{{ ds }}"}],
    "node_selector": [{"pool": "a"}, {"pool": "b"}],
    "tolerations": [[{"key": "t"}], [{"key": "t", "operator": "Exists"}, {"key": "u"}]],
    "affinity": [{"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": []}}],
    "priority_class": ["low", "high"],
    "runtime_class": ["nvidia"],
    "image_pull_policy": ["Always", "IfNotPresent"],
    "image_pull_secrets": [["login"], ["login", "other"]],
    "security_context": [{"runAsUser": 7}, {"runAsUser": 8, "readOnlyRootFilesystem": True}],
    "pod_security_context": [{"fsGroup": 7}, {"fsGroup": 8}],
    "host_aliases": [[{"ip": "10.0.0.7", "hostnames": ["w"]}]],
    "init_containers": [[{"name": "first", "image": IMAGE}], [{"name": "first", "image": "acme.example/image:2"}]],
    "sidecars": [[_SIDECAR], [{**_SIDECAR, "env": [{"name": "X", "value": "{{ ds }}"}]}]],
    "pod": [
        {"spec": {"hostNetwork": True}},
        {"spec": {"dnsPolicy": "Default"}},
        {"spec": {"containers": [{"name": "base", "resources": {"limits": {"cpu": "9"}}}]}},
    ],
}
"""Keys of jobs that flavors have, too, each with some values."""
JOB: dict[str, list[Any]] = {
    **POD,
    "resource_flavor": ["small", "large", "extra"],
    "docker_image": [IMAGE, "acme.example/other:2"],
    "command": [["python", "-m", "x"], ["python", "-m", "y"], "python -m x"],
    "args": [["--day", "{{ ds }}"], ["${{ vars.word }}"], ["${{ pipeline.name }}-${{ job.name }}"], ["hello"]],
    "script": ["echo $HOME", "echo 1\necho 2\n"],
    "shell": [["bash", "-ec"], ["/bin/sh", "-ec"]],
    "working_dir": ["/app", "/srv"],
    "depends_on": [[], ["load"], ["load", "clean"], ["clean", "load"], "load"],
    "trigger_rule": ["all_done", "all_success", "one_failed"],
    "when": ["{{ run_id }}", "{{ params }}"],
    "for_each": [
        {"list": ["a", "b"], "as": "ITEM", "max_parallel": 2},
        {"list": [1, 2], "as": "ITEM"},
        {"list": [True, 2], "as": "ITEM"},
        {"list": ["1", 2], "as": "ITEM"},
        {"output": "load", "as": "ITEM"},
        {"list": ["a", "b"], "label": "item {{ item }}"},
    ],
    "matrix": [{"at": ["a", "b"]}, {"at": ["b", "a"]}, {"at": [1, 2]}, {"at": ["1", 2]}],
    "output": ["json", None],
    "retries": [
        0,
        1,
        3,
        "rule",
        "memory",
        {"count": 3, "delay": "10s"},
        {"count": 3, "delay": "10s", "backoff": "exponential"},
    ],
    "timeout": ["1h", "60m", "2h"],
    "schedule_timeout": ["15m", "8m", "480s"],
    "keep_pod": ["on_failure", "never", "always"],
    "pool": ["gpu", "default_pool"],
    "pool_slots": [1, 2],
    "priority_weight": [1, 10],
    "group": ["a.b", "a", "each"],
    "teardown": [{"of": "load"}, {"of": ["load"]}],
    "inlets": [["s3://in/a"], [{"name": "s3://in/a"}]],
    "outlets": [[{"name": "o", "uri": "s3://out/a"}], ["o2"], [{"name": "o2", "uri": "o2"}]],
    "presets": [["named"], []],
    "deferrable": [True, False],
    "alerts": [{"on_failure": ["chat"]}, {"on_retry": ["mail"]}, {"on_failure": ["chat", "mail"]}, {"on_success": []}],
    "uses": ["word@v1"],
    "with": [{"word": "hello"}, {"word": "other"}],
    "doc": ["More of it.", "Less of it."],
}
FLAVOR: dict[str, list[Any]] = {
    **POD,
    "cpu": [1, 3, "1", "1000m", "500m"],
    "memory": ["1Gi", "1024Mi", "3Gi"],
    "gpu": [1, {"count": 2, "resource": "amd.com/gpu"}],
    "shm": ["2Gi", "1Gi"],
    "ephemeral_storage": ["5Gi"],
    "requests": [{"cpu": "100m"}],
    "limits": [{"cpu": 20}],
    "pool": ["gpu"],
    "cost_per_hour": [0.25, 0.5],
    "next": ["large", "extra"],
}
PARAM = {"type": "string", "default": "x"}
HEADER: dict[str, list[Any]] = {
    "description": ["In a line", "In another line"],
    "doc": ["More of it.", "Less of it."],
    "owner": [["a", "b"], ["b", "a"], "a"],
    "tags": [["churn", "x"], ["x", "churn"], ["y"]],
    "only": [["dev"], ["dev", "prod"], ["prod", "dev"]],
    "schedule": [
        *("@daily", "0 0 * * *", "0 3 * * *", "@once", "@continuous", None, {"every": "1h"}, {"every": "60m"}),
        *({"cron": ["0 3 * * *", "0 4 * * *"]}, {"cron": ["0 4 * * *", "0 3 * * *"]}, {"cron": ["0 3 * * *"]}),
        *(
            {"assets": {"all": ["a", "b"]}},
            {"assets": {"any": ["a", "b"]}},
            {"assets": ["a"]},
            {"assets": {"all": ["a"]}},
        ),
        {"assets": {"any": ["a", "b"]}, "cron": "0 3 * * *"},
    ],
    "timezone": ["Europe/Berlin", "UTC", "America/New_York"],
    "start_date": ["2026-03-01", "2026-03-01T00:00:00", "2026-03-02", "2027-03-01", "2027-03-01T01:00:00+01:00"],
    "end_date": ["2028-04-01", "2028-04-01T00:00:00", "2028-04-02"],
    "catchup": [True, False],
    "max_active_runs": [1, 3],
    "max_active_jobs": [4, 5],
    "timeout": ["6h", "360m", "7h"],
    "deadline": ["2h", {"after": "120m"}, {"by": "07:00"}],
    "alerts": [{"on_failure": ["chat"]}, {"on_deadline": ["late"]}, {"on_recovery": ["chat"], "on_failure": ["mail"]}],
    "paused": [True, False],
    "depends_on_past": [True, False],
    "params": [
        {"p": PARAM},
        {"p": {**PARAM, "title": "P"}, "q": {"type": "integer", "default": 5}},
        {"q": {"type": "integer", "default": 5}, "p": {**PARAM, "title": "P"}},
        {"p": {"type": "string"}},
        {"p": {"type": ["string", "null"]}},
        {"q": {"type": "number", "default": 5}},
        {"q": {"type": "number", "default": 5.0}},
        {"p": {"enum": ["x", "y"], "default": "x"}},
    ],
    "params_env": ["P_", "Q_"],
    "groups": [
        {"each": {"for_each": {"list": ["a"], "as": "ITEM"}}},
        {"each": {"for_each": {"list": ["a", "b"], "as": "ITEM"}}},
    ],
    "template": ["word@v1"],
}
ENVIRONMENT: dict[str, list[Any]] = {
    "description": ["For trying out changes"],
    "vars": [{"word": "hello"}, {"word": "bye", "other": 1}],
    "cluster": [
        {"namespace": "ml"},
        {"namespace": "ml-2", "kubernetes_conn_id": "other"},
        {"kubernetes_conn_id": "kubernetes_default"},
        {"in_cluster": True, "startup_check_interval": "2s"},
        {"xcom_sidecar": {"image": "acme.example/sidecar:1"}},
    ],
    "images": [{"allowed": ["acme.example/*"]}, {"allowed": ["acme.example/*", "b/*"]}, {"forbid_latest": True}],
    "flavors": [
        {"max": {"memory": "64Gi"}},
        {"max": {"memory": "65536Mi"}},
        {"replace": {"extra": "large"}},
        {"define": {"small": {"cpu": 2, "memory": "1Gi"}}},
    ],
    "pod_security": ["privileged", "baseline", "restricted"],
    "service_accounts": [["who", "default"], ["*"]],
    "secrets": [["s", "login"], ["*"]],
    "config_maps": [["*"]],
    "claims": [["claim"]],
    "priority_classes": [["*"]],
    "runtime_classes": [["*"]],
    "schedulers": [["*"]],
    "pull_secrets": [["*"]],
    "pools": [["*"]],
    "node_selectors": [["*"]],
    "tolerations": [["*"]],
    "labels": [["*"]],
    "annotations": [["*"]],
    "presets": [["*"]],
    "templates": [["*"]],
    "limits": [
        {"timeout": "1d"},
        {"max_active_jobs": 15, "retries": 5},
        {"priority_weight": 100},
        {"max_active_runs": 8},
    ],
    "schedules": ["run", "paused", "manual"],
    "alerts": [{"enabled": False}, {"enabled": True}],
    "links": [{"source": "https://g.example/{path}#L{line}"}, {"pod": "https://k.example/{namespace}/{name}"}],
    "timezone": ["Europe/Berlin"],
    "templating": [{"allow": ["var"]}, {"allow": ["conn", "var"]}, {"allow": ["var", "conn"]}],
    "defaults": [{"job": {"retries": 1}}, {"pipeline": {"tags": ["dev"]}}, {"pipeline": {"start_date": "2026-02-01"}}],
}
TEAM: dict[str, list[Any]] = {
    "namespace": ["team-a", "team-b"],
    "service_account": ["who"],
    "flavors": [["small", "large", "extra"], ["*"]],
    "images": [["acme.example/*"]],
    "max": [{"memory": "64Gi"}, {"cpu": 64}],
    "pod_security": ["baseline", "privileged"],
    "limits": [{"timeout": "2d"}],
    "require": [["resource_flavor"], ["docker_image"]],
    "defaults": [{"job": {"keep_pod": "always"}}, {"pipeline": {"max_active_runs": 2}}],
    "secrets": [["*"]],
}
RULE: dict[str, list[Any]] = {
    "retries": [2, 4],
    "delay": ["10s", "7s"],
    "backoff": ["exponential", "none"],
    "max_delay": ["1h", "60m"],
    "on": [[{"reason": "OOMKilled", "then": "next_flavor"}], [{"exit_code": 3, "then": "fail"}], []],
}
PRESET: dict[str, list[Any]] = {
    "annotations": [{"preset": "named"}, {"preset": "other"}],
    "retries": [2],
    "env": POD["env"],
}
CHANNELS: dict[str, list[Any]] = {
    "chat": [{"slack": {"connection": "slack", "channel": "#ml"}}, {"slack": {"connection": "slack", "channel": "#x"}}],
    "mail": [{"email": {"to": ["a@x.example"]}}, {"email": {"to": ["b@x.example"]}}],
    "late": [{"email": {"to": ["late@x.example"]}}, {"slack": {"connection": "slack", "channel": "#late"}}],
    "unused": [{"email": {"to": ["u@x.example"]}}, GONE],
}
POOLS: dict[str, list[Any]] = {"gpu": [4, 8], "other": [1, GONE]}
FLOW = "pipelines/team/flow"
DEV = "platform/environments/dev"
PLACES: tuple[tuple[int, str, tuple[str, ...], dict[str, list[Any]]], ...] = (
    (14, FLOW, ("jobs", "it"), JOB),
    (6, FLOW, ("jobs", "clean"), JOB),
    (12, FLOW, (), HEADER),
    (3, FLOW, ("defaults",), POD),
    (3, FLOW, ("environments", "dev", "jobs", "it"), POD),
    (2, FLOW, ("environments", "dev"), {key: HEADER[key] for key in ("schedule", "tags", "paused", "timeout", "doc")}),
    (5, "platform/flavors", ("flavors", "small"), FLAVOR),
    (2, "platform/flavors", ("flavors", "large"), FLAVOR),
    (1, "platform/flavors", ("pools",), POOLS),
    (7, DEV, (), ENVIRONMENT),
    (1, DEV, ("defaults", "job"), JOB),
    (3, "platform/teams", ("teams", "team"), TEAM),
    (2, "platform/retries", ("rules", "rule"), RULE),
    (2, "platform/retries", ("rules", "memory"), RULE),
    (1, "platform/presets", ("presets", "named"), PRESET),
    (2, "platform/alerts", ("channels",), CHANNELS),
)
"""How often a map is edited, its file, its path in it, and its keys with some values."""
JOB_TEMPLATE, PIPELINE_TEMPLATE = (f"platform/templates/{kind}/word/v1.yaml.j2" for kind in ("jobs", "pipelines"))
TEXTS = (
    (JOB_TEMPLATE, 'args: ["${{ inputs.word }}"]', 'args: ["${{ inputs.word }}", more]'),
    (PIPELINE_TEMPLATE, "description: word", "description: word\nmax_active_runs: 7"),
)
"""Texts of templates and a piece that is exchanged for another."""


def project() -> Files:
    """Three jobs, and a table of each kind."""
    files: Files = {
        "platform/flavors": {
            "version": 1,
            "pools": {"gpu": 4},
            "flavors": {
                "small": {"cpu": 1, "memory": "1Gi"},
                "large": {"cpu": 8, "memory": "32Gi"},
                "extra": {"cpu": 16, "memory": "32Gi"},
            },
        },
        DEV: {
            "version": 1,
            "vars": {"word": "hello"},
            "pod_security": "privileged",
            "defaults": {"job": {"docker_image": IMAGE, "resource_flavor": "small"}},
        },
        "platform/environments/prod": {"version": 1},
        "platform/presets": {"version": 1, "presets": {"named": {"annotations": {"preset": "named"}}}},
        "platform/retries": {
            "version": 1,
            "rules": {
                "rule": {"retries": 4, "delay": "7s"},
                "memory": {"retries": 2, "on": [{"reason": "OOMKilled", "then": "next_flavor"}]},
            },
        },
        "platform/alerts": {"version": 1, "channels": {name: values[0] for name, values in CHANNELS.items()}},
        "platform/teams": {"version": 1, "teams": {"team": {}}},
        JOB_TEMPLATE: 'version: 1\ninputs: {word: {type: string}}\n---\nargs: ["${{ inputs.word }}"]\n',
        PIPELINE_TEMPLATE: "version: 1\n---\ndescription: word\n",
        FLOW: {
            "version": 1,
            "groups": {"each": {"for_each": {"list": ["a"], "as": "ITEM"}}},
            "jobs": {
                "load": {"output": "json"},
                "clean": {"depends_on": ["load"], "group": "each"},
                "it": {"depends_on": ["load"]},
            },
        },
    }
    return copy.deepcopy(files)


def edit(files: Files, chance: random.Random) -> tuple[Files, str]:
    """The project after one edit, and what the edit is."""
    files = copy.deepcopy(files)
    kind = chance.random()
    if kind < 0.06:
        name = chance.choice(sorted(name for name in files if not name.endswith(".j2")))
        files[name]["#"] = chance.random()
        return files, f"layout of {name}"
    if kind < 0.09:
        return _exchange(files, chance)
    if kind < 0.13:
        return _jobs(files, chance)
    _, file, path, keys = chance.choices(PLACES, [weight for weight, *_ in PLACES])[0]
    target = files[file]
    for step in path:
        target = target.setdefault(step, {})
        if not isinstance(target, dict):
            return files, "nothing"
    key = chance.choice(sorted(keys))
    value = GONE if key in target and chance.random() < 0.4 else chance.choice(keys[key])
    if value is GONE:
        target.pop(key, None)
    else:
        target[key] = copy.deepcopy(value)
    return files, f"{file} {'.'.join((*path, key))} = {'gone' if value is GONE else value}"


def _exchange(files: Files, chance: random.Random) -> tuple[Files, str]:
    name, one, other = chance.choice(TEXTS)
    files[name] = files[name].replace(other, one) if other in files[name] else files[name].replace(one, other)
    return files, f"text of {name}"


def _jobs(files: Files, chance: random.Random) -> tuple[Files, str]:
    """Add a job, remove one, rename one, or write them in another order."""
    jobs = files[FLOW].setdefault("jobs", {})
    match chance.randrange(4):
        case 0:
            jobs["more"] = {"depends_on": ["load"]}
        case 1:
            jobs.pop("more", None)
        case 2 if "more" in jobs:
            jobs["other"] = jobs.pop("more")
        case _:
            items = list(jobs.items())
            chance.shuffle(items)
            files[FLOW]["jobs"] = dict(items)
    return files, f"jobs: {list(files[FLOW]['jobs'])}"


def text_of(data: Any) -> str:
    """The text of a file. Data is written as JSON, which is YAML; its layout depends on the key ``#``."""
    if isinstance(data, str):
        return data
    layout = random.Random(data.get("#", 0))
    indent = layout.choice((None, 1, 2, 4)) if "#" in data else 1
    comments = "# A comment.\n\n" * layout.randrange(4) if "#" in data else ""
    return comments + json.dumps({key: value for key, value in data.items() if key != "#"}, indent=indent) + "\n"
