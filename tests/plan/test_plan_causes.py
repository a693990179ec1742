"""Causes: the line whose edit changed a value, through every layer."""

from __future__ import annotations

from pathlib import Path

import pytest
from two_sides import TODAY, write

from dag_factory.plan.comparison.compare import compare, compare_environments
from dag_factory.plan.judge import Judged, judge

FILES = {
    "platform/flavors.yaml": """\
version: 1
flavors:
  small:
    cpu: 1
    memory: 1Gi
    node_selector: {pool: a}
  large: {cpu: 8, memory: 32Gi}
""",
    "platform/presets.yaml": """\
version: 1
presets:
  net:
    annotations: {egress: x}
  tmp:
    env: {TMP: /tmp}
  scratch:
    env: {TMP: /tmp}
""",
    "platform/retries.yaml": "version: 1\nrules:\n  transient: {retries: 3, delay: 30s}\n",
    "platform/teams.yaml": """\
version: 1
teams:
  growth:
    namespace: growth
    defaults:
      job: {labels: {centre: a}}
""",
    "platform/environments/base.yaml": """\
version: 1
defaults:
  pipeline: {start_date: 2026-01-01}
  job: {env: {STAGE: dev}}
vars: {tag: "1"}
""",
    "platform/environments/dev.yaml": """\
version: 1
extends: base
images:
  mirrors: {docker.io: mirror.example.com}
limits:
  timeout: 4h
""",
    "platform/templates/jobs/say/v1.yaml.j2": """\
version: 1
inputs: {word: {type: string}}
---
command: [echo, "${{ inputs.word }}"]
termination_grace: 1m
""",
    "platform/templates/jobs/say/v2.yaml.j2": """\
version: 1
inputs: {word: {type: string}}
---
command: [printf, "${{ inputs.word }}"]
termination_grace: 1m
""",
    "pipelines/growth/flow.yaml": """\
version: 1
schedule: "@daily"
defaults:
  docker_image: "acme/image:${{ vars.tag }}"
  resource_flavor: small
jobs:
  say:
    uses: say@v1
    with: {word: hello}
    retries: transient
    presets: [net]
    env:
      A: "1"
      B: "2"
  many:
    script: |
      echo one
      echo two
    matrix: {n: [1, 2]}
    priority_weight: 3
    pod: {spec: {hostname: a}}
environments:
  dev:
    jobs: {say: {priority_weight: 7}}
""",
}
FLOW = "pipelines/growth/flow.yaml"
FLAVORS, PRESETS = "platform/flavors.yaml", "platform/presets.yaml"
BASE, DEV = "platform/environments/base.yaml", "platform/environments/dev.yaml"
TEMPLATE = "platform/templates/jobs/say/v1.yaml.j2"
JOBS = ("say", "many-1", "many-2")
Edits = list[tuple[str, str, str]]


def edited(edits: Edits) -> dict[str, str]:
    """The files with some texts replaced."""
    files = dict(FILES)
    for file, old, new in edits:
        assert files[file].count(old) == 1, (file, old)
        files[file] = files[file].replace(old, new)
    return files


def judged(folder: Path, before: dict[str, str], after: dict[str, str]) -> Judged:
    for name, files in (("before", before), ("after", after)):
        write(files, folder / name)
    compared = compare(folder / "before", folder / "after", ("dev",))
    assert not compared.problems.new, compared.problems.new
    return judge(compared, folder / "before", folder / "after", None, TODAY)


def causes(found: Judged) -> dict[str, str]:
    """The cause of each changed field: ``file:line:column layer``, with ``before`` if the line is gone."""
    lines = {}
    for effect in found.effects:
        cause = effect.cause
        where = "?"
        if cause:
            name = cause.file.removeprefix("configs/")
            where = f"{name}:{cause.line}:{cause.column} {cause.layer}{' (before)' * (cause.side == 'before')}"
        for field in effect.fields:
            for place in effect.places:
                lines[f"{place.job} {field.path}".strip()] = where
    return lines


LIMIT = "spec.containers[base].resources.limits"
CASES: dict[str, tuple[Edits, dict[str, str]]] = {
    "flavor": (
        [(FLAVORS, "memory: 1Gi", "memory: 2Gi")],
        {
            f"{job} spec.containers[base].resources.{kind}.memory": f"{FLAVORS}:5:13 flavor small"
            for job in JOBS
            for kind in ("limits", "requests")
        },
    ),
    "key of jobs in a flavor": (
        [(FLAVORS, "{pool: a}", "{pool: b}")],
        {f"{job} spec.nodeSelector.pool": f"{FLAVORS}:6:27 flavor small" for job in JOBS},
    ),
    "flavor whose name is also written in another place": (
        [(FLAVORS, "memory: 1Gi", "memory: 2Gi"), (FLOW, "    presets: [net]", "    resource_flavor: small")],
        {f"say {LIMIT}.memory": f"{FLAVORS}:5:13 flavor small"},
    ),
    "output": (
        [(FLOW, "priority_weight: 3", "output: json")],
        {f"many-{n} spec.volumes[xcom]": f"{FLOW}:20:13 job many" for n in (1, 2)},
    ),
    "pod security that changes the container for the output": (
        [(DEV, "limits:\n", "pod_security: restricted\nlimits:\n")],
        {"say spec.containers[base].securityContext.allowPrivilegeEscalation": f"{DEV}:5:15 environment dev"},
    ),
    "preset": (
        [(PRESETS, "egress: x", "egress: y")],
        {"say metadata.annotations.egress": f"{PRESETS}:4:27 preset net"},
    ),
    "name of a preset removed": (
        [(FLOW, "    presets: [net]\n", "")],
        {"say metadata.annotations.egress": f"{FLOW}:11:15 job say (before)"},
    ),
    "retry rule": (
        [("platform/retries.yaml", "retries: 3", "retries: 4")],
        {"say retries.count": "platform/retries.yaml:3:24 retry rule transient"},
    ),
    "line of a template": (
        [(TEMPLATE, "termination_grace: 1m", "termination_grace: 2m")],
        {"say spec.terminationGracePeriodSeconds": f"{TEMPLATE}:5:20 template say@v1"},
    ),
    "version of a template": (
        [(FLOW, "uses: say@v1", "uses: say@v2")],
        {"say spec.containers[base].command": f"{FLOW}:8:11 job say"},
    ),
    "input of a template": (
        [(FLOW, "word: hello", "word: bye")],
        {"say spec.containers[base].command": f"{FLOW}:9:18 job say"},
    ),
    "defaults of the environment": (
        [(BASE, "STAGE: dev", "STAGE: test")],
        {f"{job} spec.containers[base].env[STAGE].value": f"{BASE}:4:22 environment base" for job in JOBS},
    ),
    "defaults of a team": (
        [("platform/teams.yaml", "centre: a", "centre: b")],
        {f"{job} metadata.labels.centre": "platform/teams.yaml:6:30 team growth" for job in JOBS},
    ),
    "variable of the environment": (
        [(BASE, 'tag: "1"', 'tag: "2"')],
        {f"{job} spec.containers[base].image": f"{BASE}:5:13 environment base" for job in JOBS},
    ),
    "mirror": (
        [(DEV, "mirror.example.com", "new.example.com")],
        {f"{job} spec.containers[base].image": f"{DEV}:4:24 environment dev" for job in JOBS},
    ),
    "maximum that sets the timeout": (
        [(DEV, "timeout: 4h", "timeout: 3h")],
        {
            "limits.timeout.most": f"{DEV}:6:12 environment dev",
            "limits.timeout.text": f"{DEV}:6:12 environment dev",
            **{f"{job} timeout": f"{DEV}:6:12 environment dev" for job in JOBS},
        },
    ),
    "flavor replaced by the environment": (
        [(DEV, "limits:\n", "flavors: {replace: {small: large}}\nlimits:\n")],
        {
            f"{job} {path}": f"{DEV}:5:28 environment dev"
            for job in JOBS
            for path in ("resource_flavor", f"{LIMIT}.cpu", f"{LIMIT}.memory", "spec.nodeSelector.pool")
        },
    ),
    "values for an environment": (
        [(FLOW, "priority_weight: 7", "priority_weight: 8")],
        {"say priority_weight": f"{FLOW}:24:35 pipeline in environment dev"},
    ),
    "removed value, so that a lower layer applies": (
        [(FLOW, "    jobs: {say: {priority_weight: 7}}\n", "    tags: [b]\n")],
        {"say priority_weight": f"{FLOW}:24:35 pipeline in environment dev (before)"},
    ),
    "pod overlay": (
        [(FLOW, "hostname: a", "hostname: b")],
        {f"many-{n} spec.hostname": f"{FLOW}:21:28 job many" for n in (1, 2)},
    ),
    "one of two variables of a job": (
        [(FLOW, '      A: "1"', '      A: "9"')],
        {"say spec.containers[base].env[A].value": f"{FLOW}:13:10 job say"},
    ),
    "the other one": (
        [(FLOW, '      B: "2"', '      B: "9"')],
        {"say spec.containers[base].env[B].value": f"{FLOW}:14:10 job say"},
    ),
    "new variable": (
        [(FLOW, '      B: "2"\n', '      B: "2"\n      C: "3"\n')],
        {"say spec.containers[base].env[C].value": f"{FLOW}:15:10 job say"},
    ),
    "second line of a script": (
        [(FLOW, "echo two", "echo three")],
        {f"many-{n} spec.containers[base].command": f"{FLOW}:18:1 job many" for n in (1, 2)},
    ),
    "schedule": ([(FLOW, '"@daily"', '"@weekly"')], {"schedule": f"{FLOW}:2:11 pipeline"}),
    "schedule off in the environment": (
        [(DEV, "limits:\n", "schedules: manual\nlimits:\n")],
        {"schedule": f"{DEV}:5:12 environment dev"},
    ),
    "namespace of a team": (
        [("platform/teams.yaml", "namespace: growth", "namespace: other")],
        {"cluster.namespace": "platform/teams.yaml:4:16 team growth"},
    ),
    "an unrelated comment above": (
        [(FLOW, "jobs:\n  say:", "# more\njobs:\n  say:"), (FLOW, "priority_weight: 3", "priority_weight: 4")],
        {f"many-{n} priority_weight": f"{FLOW}:21:22 job many" for n in (1, 2)},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_the_cause_is_the_edited_line(name: str, tmp_path: Path) -> None:
    edits, expected = CASES[name]
    found = causes(judged(tmp_path, FILES, edited(edits)))
    assert {path: found.get(path) for path in expected} == expected, found
    assert "?" not in found.values(), found


def test_equal_changes_of_many_pipelines_are_one_effect(tmp_path: Path) -> None:
    copies = {f"pipelines/growth/copy{n}.yaml": FILES[FLOW] for n in range(3)}
    after = {**edited([(FLAVORS, "memory: 1Gi", "memory: 2Gi")]), **copies}
    (effect,) = judged(tmp_path, {**FILES, **copies}, after).effects
    assert len(effect.places) == 12 and effect.cause and effect.cause.line == 5


def test_equal_changes_by_different_presets_have_their_own_lines(tmp_path: Path) -> None:
    text = "version: 1\ndefaults: {docker_image: 'a/b:1', resource_flavor: small}\njobs:\n"
    for name in ("tmp", "scratch"):
        text += f"  {name}: {{command: [x], presets: [{name}]}}\n"
    before = {**FILES, "pipelines/growth/two.yaml": text}
    after = {**before, PRESETS: FILES[PRESETS].replace("/tmp", "/new")}
    found = causes(judged(tmp_path, before, after))
    assert found["tmp spec.containers[base].env[TMP].value"] == f"{PRESETS}:6:16 preset tmp"
    assert found["scratch spec.containers[base].env[TMP].value"] == f"{PRESETS}:8:16 preset scratch"


def test_an_equal_edit_in_the_file_is_not_folded_into_that_of_the_table(tmp_path: Path) -> None:
    other = "version: 1\ndefaults: {docker_image: 'a/b:1', resource_flavor: small}\njobs: {x: {command: [x]%s}}\n"
    before = {**FILES, "pipelines/growth/other.yaml": other % ", env: {STAGE: dev}"}
    after = {
        **edited([(BASE, "STAGE: dev", "STAGE: test")]),
        "pipelines/growth/other.yaml": other % ", env: {STAGE: test}",
    }
    found = causes(judged(tmp_path, before, after))
    assert found["x spec.containers[base].env[STAGE].value"] == "pipelines/growth/other.yaml:3:39 job x"
    assert found["say spec.containers[base].env[STAGE].value"] == f"{BASE}:4:22 environment base"


def test_between_environments_the_cause_is_a_line_of_one_of_them(tmp_path: Path) -> None:
    write({**FILES, "platform/environments/prod.yaml": "version: 1\nextends: base\n"}, tmp_path)
    compared = compare_environments(tmp_path, "dev", "prod")
    found = causes(judge(compared, tmp_path, tmp_path, None, TODAY))
    assert found["say priority_weight"] == f"{FLOW}:24:35 pipeline in environment dev (before)"
    assert found["say spec.containers[base].image"] == f"{DEV}:4:12 environment dev (before)"


def test_a_removed_job_names_its_line_before(tmp_path: Path) -> None:
    start = FILES[FLOW].index("  many:")
    end = FILES[FLOW].index("environments:")
    after = {**FILES, FLOW: FILES[FLOW].replace(FILES[FLOW][start:end], "")}
    before = {
        **FILES,
        FLOW: FILES[FLOW].replace("    retries: transient", "    depends_on: [many]\n    retries: transient"),
    }
    risks = [risk for risk in judged(tmp_path, before, after).risks if risk.kind == "job-removed"]
    assert {(risk.cause.line, risk.cause.side) for risk in risks if risk.cause} == {(17, "before")}
    assert len(risks) == 2


def test_a_job_with_one_more_change_is_folded_with_the_others(tmp_path: Path) -> None:
    edits = [(FLAVORS, "memory: 1Gi", "memory: 2Gi"), (FLOW, 'B: "2"', 'B: "9"')]
    effects = judged(tmp_path, FILES, edited(edits)).effects
    assert [(len(effect.fields), len(effect.places)) for effect in effects] == [(2, 3), (1, 1)]
