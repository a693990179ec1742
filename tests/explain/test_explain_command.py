"""``dagf explain``: the chain of a value through all layers, and the list of all fields."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from dag_factory.cli.main import main

FILES = {
    "platform/flavors.yaml": """\
version: 1
flavors:
  small: {cpu: 1, memory: 1Gi}
  large: {cpu: 4, memory: 8Gi, requests: {cpu: 2}, env: {SIZE: large}}
""",
    "platform/environments/base.yaml": """\
version: 1
vars: {tag: "7"}
defaults:
  job: {env: {A: base}, timeout: 1h}
""",
    "platform/environments/dev.yaml": """\
version: 1
extends: base
images: {mirrors: {docker.io: mirror.example.com/hub}}
flavors: {replace: {small: large}, max: {memory: 16Gi}}
limits: {timeout: 2h, retries: 5}
cluster: {namespace: ns-dev}
""",
    "platform/environments/prod.yaml": """\
version: 1
extends: base
schedules: manual
pod_security: restricted
""",
    "platform/presets.yaml": "version: 1\npresets:\n  net: {env: {A: preset, B: preset}, annotations: {a/egress: x}}\n",
    "platform/retries.yaml": "version: 1\nrules:\n  transient: {retries: 3, delay: 30s}\n",
    "platform/templates/jobs/greet/v1.yaml.j2": """\
version: 1
inputs: {word: {type: string}}
---
command: [echo, "${{ inputs.word }}"]
env: {A: template}
""",
    "pipelines/team/flow.yaml": """\
version: 1
schedule: "@daily"
params: {n: {type: integer, default: 3}}
defaults:
  docker_image: "acme/image:${{ vars.tag }}"
  resource_flavor: small
  presets: [net]
  retries: transient
  env: {A: pipeline}
jobs:
  say:
    uses: greet@v1
    with: {word: hello}
    env: {A: job, C: "{{ run_id }}"}
    volumes: [{mount_path: /data, pvc: data}, {mount_path: /more, pvc: data, sub_path: x}]
  cells:
    command: [a]
    matrix: {n: [1, 2]}
    env: {N: "${{ matrix.n }}"}
    pod:
      spec:
        hostname: my-host
        containers: [{name: base, resources: {limits: {memory: 9Gi}}}]
  each:
    command: [a]
    for_each: {list: [x, y], as: ITEM}
    output: json
environments:
  dev:
    jobs: {say: {env: {A: overlay}, retries: 5}}
""",
}
FLOW = "configs/pipelines/team/flow.yaml"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("DAG_FACTORY_HOME", "DAG_FACTORY_ENV"):
        monkeypatch.delenv(name, raising=False)
    for name, text in FILES.items():
        path = tmp_path / "configs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["explain", *arguments])


def chain(*arguments: str, env: str = "dev") -> dict[str, Any]:
    result = run(*arguments, "--env", env, "--json")
    assert result.exit_code == 0, result.output
    [found] = json.loads(result.stdout)["environments"]
    return found  # type: ignore[no-any-return]


def steps(found: dict[str, Any]) -> list[tuple[str, Any, str, bool]]:
    """The layer, the value, the line and whether it is overridden, of each step."""
    return [
        (one["layer"], one["value"], f"{Path(one['place']['file']).name}:{one['place']['line']}", one["is_overridden"])
        for one in found["steps"]
    ]


@pytest.mark.usefixtures("home")
class TestChains:
    def test_every_layer_of_a_value_is_shown_and_only_the_last_one_wins(self) -> None:
        found = chain("team.flow", "say", "env.A")
        assert found["value"] == "overlay"
        assert steps(found) == [
            ("environment base", "base", "base.yaml:4", True),
            ("pipeline defaults", "pipeline", "flow.yaml:9", True),
            ("preset net", "preset", "presets.yaml:3", True),
            ("template greet@v1", "template", "v1.yaml.j2:5", True),
            ("job say", "job", "flow.yaml:14", True),
            ("pipeline in environment dev", "overlay", "flow.yaml:30", False),
        ]
        assert found["steps"][3]["place"]["caller"] == f"{FLOW}:12:5"

    def test_pod_path_and_key_have_the_same_layers(self) -> None:
        by_key = chain("team.flow", "say", "env.A")
        for path in ("spec.containers[base].env[A].value", "spec.containers[0].env[A].value"):
            assert steps(chain("team.flow", "say", path)) == steps(by_key)

    def test_expression_has_its_text_its_result_and_the_place_of_the_variable(self) -> None:
        found = chain("team.flow", "say", "docker_image", env="prod")
        assert (found["value"], found["steps"][0]["expression"]) == ("acme/image:7", "acme/image:${{ vars.tag }}")
        assert [(one["kind"], one["place"]["file"], one["place"]["line"]) for one in found["rules"]] == [
            ("value", "configs/platform/environments/base.yaml", 2)
        ]

    def test_mirror_is_named_with_its_line(self) -> None:
        found = chain("team.flow", "say", "spec.containers[base].image")
        assert found["value"] == "mirror.example.com/hub/acme/image:7"
        [mirror] = [one for one in found["rules"] if one["kind"] == "mirror"]
        assert (mirror["place"]["file"], mirror["place"]["line"]) == ("configs/platform/environments/dev.yaml", 3)

    def test_flavor_is_replaced_and_its_size_has_a_maximum(self) -> None:
        found = chain("team.flow", "say", "spec.containers[base].resources.limits.memory")
        assert found["value"] == "8Gi"
        assert steps(found) == [
            ("pipeline defaults", "small", "flow.yaml:6", False),
            ("flavor large", "8Gi", "flavors.yaml:4", False),
        ]
        kinds = {one["kind"]: one["place"]["line"] for one in found["rules"]}
        assert kinds == {"replacement": 4, "maximum": 4}

    def test_request_of_a_flavor_differs_from_its_limit(self) -> None:
        request = chain("team.flow", "say", "spec.containers[base].resources.requests.cpu")
        limit = chain("team.flow", "say", "spec.containers[base].resources.limits.cpu")
        assert (request["steps"][-1]["key"], limit["steps"][-1]["key"]) == (
            "resource_flavor.requests.cpu",
            "resource_flavor.cpu",
        )

    def test_overlay_of_the_pod_overrides_the_flavor(self) -> None:
        found = chain("team.flow", "cells-1", "spec.containers[base].resources.limits.memory")
        assert found["value"] == "9Gi"
        assert [one[3] for one in steps(found)] == [True, True, False]
        assert found["steps"][-1]["key"] == "pod.spec.containers[0].resources.limits.memory"

    def test_retries_come_from_a_rule_and_a_number_changes_only_the_count(self) -> None:
        count, delay = chain("team.flow", "say", "retries.count"), chain("team.flow", "say", "retries.delay")
        assert steps(count) == [
            ("retry rule transient, by pipeline defaults", 3, "retries.yaml:3", True),
            ("pipeline in environment dev", 5, "flow.yaml:30", False),
        ]
        assert (count["value"], delay["value"]) == (5, "30s")
        assert [one["kind"] for one in count["rules"]] == ["maximum"]

    def test_cell_of_a_matrix_and_its_value(self) -> None:
        found = chain("team.flow", "cells-2", "env.N")
        assert (found["value"], found["steps"][0]["expression"]) == (2, "${{ matrix.n }}")
        axis = chain("team.flow", "cells-2", "matrix.n")
        assert (axis["value"], axis["steps"][0]["value"]) == (2, [1, 2])

    def test_part_of_a_pod_has_its_fields(self) -> None:
        found = chain("team.flow", "say", "spec.containers[base].resources")
        assert found["kind"] == "several"
        assert [(one["field"].rpartition("resources.")[2], one["place"]["line"]) for one in found["parts"]] == [
            ("requests.cpu", 4),
            ("requests.memory", 4),
            ("limits.cpu", 4),
            ("limits.memory", 4),
        ]
        assert chain("team.flow", "say", "spec.containers[base].env")["steps"]
        assert chain("team.flow", "say", "spec")["kind"] == "several"

    def test_overlay_removes_a_field(self, home: Path) -> None:
        flow = home / FLOW
        flow.write_text(
            flow.read_text().replace("resources: {limits: {memory: 9Gi}}", "terminationMessagePolicy: null")
        )
        for field in ("spec.containers[base].terminationMessagePolicy", "spec.containers[0].terminationMessagePolicy"):
            found = chain("team.flow", "cells-1", field, env="prod")
            assert (found["kind"], found["has_value"], found["steps"][-1]["place"]["line"]) == ("file", False, 23)

    def test_key_that_the_compiler_only_reads(self) -> None:
        assert chain("team.flow", "version")["value"] == 1

    def test_template_at_run_time(self) -> None:
        assert chain("team.flow", "say", "env.C")["kind"] == "run time"
        assert chain("team.flow", "each", "spec.containers[base].env[ITEM].value")["kind"] == "run time"

    def test_input_of_a_template(self) -> None:
        found = chain("team.flow", "say", "with.word")
        assert (found["value"], steps(found)[0][2]) == ("hello", "flow.yaml:13")

    def test_second_mount_of_a_volume_has_its_own_line(self) -> None:
        found = chain("team.flow", "say", "spec.containers[base].volumeMounts[/more].subPath")
        assert (found["value"], found["steps"][0]["key"]) == ("x", "volumes[1].sub_path")

    @pytest.mark.parametrize(
        ("job", "field", "kind"),
        [
            ("say", "spec.restartPolicy", "operator"),
            ("each", "spec.containers[airflow-xcom-sidecar].command[0]", "operator"),
            ("say", "metadata.labels.run_id", "operator"),
            ("say", "metadata.labels[dagwright/job]", "factory"),
            ("say", "spec.containers[base].terminationMessagePolicy", "factory"),
            ("say", "spec.nodeName", "cluster admission"),
            ("say", "spec.hostname", "cluster admission"),
            ("cells-1", "spec.hostname", "file"),
            ("say", "metadata.namespace", "file"),
            ("say", "pool", "default"),
        ],
    )
    def test_kinds(self, job: str, field: str, kind: str) -> None:
        assert chain("team.flow", job, field)["kind"] == kind

    def test_pod_security_sets_a_value_and_its_level_is_named(self) -> None:
        found = chain("team.flow", "say", "spec.containers[base].securityContext.allowPrivilegeEscalation", env="prod")
        assert (found["kind"], found["value"]) == ("factory", False)
        assert found["rules"][0]["place"] == {
            "file": "configs/platform/environments/prod.yaml",
            "line": 4,
            "column": 0,
            "caller": "",
        }

    def test_limit_that_is_also_the_default(self, home: Path) -> None:
        base = home / "configs/platform/environments/base.yaml"
        base.write_text(base.read_text().replace(", timeout: 1h", ""))
        found = chain("team.flow", "say", "timeout")
        assert (found["value"], found["kind"], found["steps"]) == ("2h", "factory", [])
        assert found["rules"][-1]["place"]["line"] == 5

    def test_environment_turns_the_schedule_off(self) -> None:
        found = chain("team.flow", "schedule", env="prod")
        assert (found["has_value"], found["rules"][0]["kind"]) == (False, "schedules")
        assert found["rules"][0]["place"]["line"] == 3

    def test_layer_that_sets_null_unsets_the_value(self, home: Path) -> None:
        flow = home / FLOW
        flow.write_text(flow.read_text().replace("retries: 5", "timeout: null"))
        found = chain("team.flow", "say", "timeout")
        assert found["steps"][-1]["effect"] == "unsets the value"
        assert found["steps"][0]["is_overridden"]


@pytest.mark.usefixtures("home")
class TestCommand:
    def test_environments_are_side_by_side_and_equal_chains_are_written_once(self) -> None:
        output = run("team.flow", "say", "env.B").output
        assert "base, dev, prod: preset" in output
        assert output.count("configs/platform/presets.yaml:3") == 1

    def test_environment_that_does_not_set_the_value(self, home: Path) -> None:
        flow = home / FLOW
        flow.write_text(flow.read_text().replace("A: overlay}", "A: overlay, ONLY: dev}"))
        output = run("team.flow", "say", "env.ONLY").output
        assert "dev: dev" in output
        assert "base, prod: not set" in output

    def test_all_fields_of_a_job(self) -> None:
        output = run("team.flow", "say").output
        assert "  env.B  " in output
        assert "    dev: overlay  " in output
        assert "preset  configs/platform/presets.yaml:3:29 preset net" in output
        assert "spec.containers[base].volumeMounts[/data].mountPath" in output

    def test_all_fields_of_a_pipeline(self) -> None:
        output = run("team.flow", "--env", "dev").output
        assert "params.n.default" in output
        assert "jobs" not in output

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (["team.flo"], "unknown pipeline `team.flo`; did you mean `team.flow`?"),
            (["team.flow", "sya"], "no job and no field `sya`; did you mean the job `say`?"),
            (["team.flow", "sya", "timeout"], "`team.flow` has no job `sya`; did you mean `say`?"),
            (["team.flow", "cells"], "`cells` is a matrix; name one of its jobs: cells-1, cells-2"),
            (["team.flow", "say", "timout"], "has no field `timout`; did you mean `timeout`?"),
            (["team.flow", "say", "spec.nodeNam"], "`dagf explain team.flow say` lists all fields"),
            (["team.flow", "say", "env.D"], "has no field `env.D`"),
            (["team.flow", "say", "spec.containers[bas].image"], "did you mean `spec.containers[base].image`?"),
            (["team.flow", "say", "[[["], "`dagf explain team.flow say` lists all fields"),
            (["team.flow", "say", ""], "`dagf explain team.flow say` lists all fields"),
            (["team.flow", "defaults.env"], "explain the key of a job: `dagf explain team.flow JOB KEY`"),
            (["team.flow", "scheduel"], "has no field `scheduel`; did you mean `schedule`?"),
        ],
    )
    def test_unknown_name_gets_a_hint(self, arguments: list[str], words: str) -> None:
        result = run(*arguments)
        assert result.exit_code == 2
        assert words in result.output

    def test_pipeline_with_errors_in_one_environment(self, home: Path) -> None:
        flow = home / FLOW
        flow.write_text(flow.read_text().replace("retries: 5", "retries: 6"))  # over the limit of dev
        result = run("team.flow", "say", "timeout")
        assert result.exit_code == 1
        assert "team.flow has errors in dev" in result.output
        assert "base, prod: 1h" in result.output

    def test_text_of_a_file_cannot_control_the_terminal(self, home: Path) -> None:
        flow = home / FLOW
        flow.write_text(flow.read_text().replace("A: job", r'A: "\e[31mred"'))
        for arguments in (["team.flow", "say", "env.A"], ["team.flow", "say"]):
            assert "\x1b" not in run(*arguments).output
