"""Presets: named parts of a job, merged between the pipeline's defaults and the flavor."""

from __future__ import annotations

from written import ENVIRONMENT, Written

TABLE = """\
version: 1
presets:
  warehouse: {env: {DB_URL: {secret: warehouse/url}, STAGE: warehouse}, annotations: {egress: warehouse}}
  volume: {volumes: [{mount_path: /data, pvc: shared}], env: {STAGE: volume}}
  named: {env: {JOB: "${{ pipeline.name }}-${{ job.name }}"}}
  large: {resource_flavor: large, retries: 2}
"""


def project(pipeline: str, table: str = TABLE, **other: str) -> Written:
    return Written(pipeline, files={"platform/presets.yaml": table}, **other)  # type: ignore[arg-type]


def env(written: Written) -> dict[str, str | None]:
    return {variable.name: variable.value for variable in written.built().jobs[-1].env}


def test_a_preset_is_merged_under_the_job() -> None:
    job = project("jobs: {a: {presets: [warehouse, volume], env: {OWN: a}}}").built().jobs[0]
    assert job.annotations == {"egress": "warehouse"}
    assert [(volume.name, volume.mount_path) for volume in job.volumes] == [("pvc-shared", "/data")]
    assert {variable.name for variable in job.env} == {"DB_URL", "STAGE", "OWN"}


def test_later_names_win_and_the_job_wins_over_all() -> None:
    assert env(project("jobs: {a: {presets: [warehouse, volume]}}"))["STAGE"] == "volume"
    assert env(project("jobs: {a: {presets: [volume, warehouse]}}"))["STAGE"] == "warehouse"
    assert env(project("jobs: {a: {presets: [volume], env: {STAGE: own}}}"))["STAGE"] == "own"


def test_lists_of_all_layers_join_in_order() -> None:
    environment = f"{ENVIRONMENT}defaults: {{job: {{presets: [volume]}}}}\n"
    written = Written(
        "jobs: {a: {presets: [named, volume]}}",
        head="version: 1\ndefaults: {docker_image: image, resource_flavor: small, presets: [warehouse]}\n",
        environments={"dev": environment},
        files={"platform/presets.yaml": TABLE},
    )
    built = written.built()
    assert "presets: [volume, warehouse, named]" in built.resolved
    assert env(written) == {"DB_URL": None, "STAGE": "warehouse", "JOB": "flow-a"}


def test_null_on_a_job_removes_the_presets_of_lower_layers() -> None:
    head = "version: 1\ndefaults: {docker_image: image, resource_flavor: small, presets: [warehouse]}\n"
    assert env(project("jobs: {a: {presets: null}}", head=head)) == {}


def test_presets_are_between_defaults_and_flavor() -> None:
    flavors = "version: 1\nflavors: {small: {cpu: 1, memory: 1Gi, env: {STAGE: flavor}}, large: {cpu: 8}}\n"
    head = "version: 1\ndefaults: {docker_image: image, resource_flavor: small, env: {STAGE: defaults}}\n"
    assert env(project("jobs: {a: {presets: [volume]}}", head=head, flavors=flavors))["STAGE"] == "flavor"
    assert env(project("jobs: {a: {presets: [volume, large]}}", head=head, flavors=flavors))["STAGE"] == "volume"


def test_a_preset_can_set_the_flavor() -> None:
    job = project("jobs: {a: {presets: [large]}}").built().jobs[0]
    assert (job.flavor.name, job.retries.count) == ("large", 2)


def test_a_name_can_be_computed() -> None:
    assert "JOB" in env(project("jobs: {a: {presets: ['${{ vars.release and \"named\" }}']}}"))


def test_an_unknown_preset() -> None:
    written = project("jobs: {a: {presets: [warehose]}}")
    assert written.problems() == ["unknown-preset 1:22 jobs.a.presets[0]"]
    assert "did you mean `warehouse`?" in written.said()
    missing = Written("jobs: {a: {presets: [warehouse]}}")
    assert missing.problems() == ["unknown-preset 1:22 jobs.a.presets[0]"]
    assert "configs/platform/presets.yaml" in missing.said()


def test_a_preset_with_errors_affects_only_its_users() -> None:
    table = "version: 1\npresets:\n  good: {env: {A: a}}\n  bad: {timeout: 5}\n"
    assert project("jobs: {a: {presets: [good]}}", table).compiled().pipelines
    bad = project("jobs: {a: {presets: [bad]}}", table)
    assert bad.problems() == [
        "broken-preset 1:22 jobs.a.presets[0]",
        "bad-duration presets.yaml:4:18 presets.bad.timeout",
    ]
    assert not bad.compiled().pipelines


def test_a_table_that_cannot_be_read_affects_only_its_users() -> None:
    assert project("jobs: {a: {}}", "version: 1\npresets: [\n").compiled().pipelines
    assert not project("jobs: {a: {presets: [x]}}", "version: 1\npresets: [\n").compiled().pipelines
    for table in ("version: 7\npresets: {x: {}}\n", "version: 1\npresets: [x]\n"):
        found = project("jobs: {a: {presets: [x]}}", table).problems()
        assert "broken-preset 1:22 jobs.a.presets[0]" in found


def test_presets_cannot_name_presets() -> None:
    table = "version: 1\npresets: {a: {presets: [b]}, b: {}}\n"
    written = project("jobs: {a: {presets: [b]}}", table)
    assert written.problems() == ["nested-preset presets.yaml:2:15 presets.a.presets"]
    assert "presets: [a, b]" in written.said()


def test_an_invalid_expression_is_reported_at_its_position() -> None:
    table = 'version: 1\npresets:\n  a: {env: {A: "${{ vars.nothing }}"}}\n'
    assert project("jobs: {a: {presets: [a]}, b: {presets: [a]}}", table).problems() == [
        "undefined-name presets.yaml:3:16 presets.a.env.A"
    ]


def test_run_time_templates_in_a_preset() -> None:
    table = "version: 1\npresets:\n  a: {env: {A: '{{ nothing }}'}}\n"
    assert project("jobs: {a: {presets: [a]}}", table).problems() == [
        "undefined-name presets.yaml:3:16 presets.a.env.A"
    ]


def test_a_preset_cannot_set_depends_on() -> None:
    table = "version: 1\npresets: {a: {depends_on: [b]}}\n"
    assert project("jobs: {a: {}}", table).problems() == ["unknown-key presets.yaml:2:15 presets.a.depends_on"]


CALLS = """\
version: 1
presets:
  calls: {uses: other@v1, env: {A: a}}
  given: {with: {a: 1}}
  plain: {uses: null, env: {B: b}}
"""
OTHER = "version: 1\n---\nenv: {O: o}\n"


def calling(pipeline: str, template: str) -> Written:
    files = {
        "platform/presets.yaml": CALLS,
        "platform/templates/jobs/other/v1.yaml.j2": OTHER,
        "platform/templates/jobs/t/v1.yaml.j2": f"version: 1\n---\n{template}\n",
    }
    return Written(pipeline, files=files)


def test_a_preset_of_a_template_cannot_call_a_template() -> None:
    wrong = calling("jobs: {a: {uses: t@v1}}", "presets: [plain, calls]")
    assert wrong.problems() == ["bad-template-file 1:12 jobs.a.uses"]
    assert "the preset `calls` sets `uses`" in wrong.said()
    assert "(in configs/platform/templates/jobs/t/v1.yaml.j2:3)" in wrong.said()
    assert "the preset `given` sets `with`" in calling("jobs: {a: {uses: t@v1}}", "presets: [given]").said()
    assert calling("jobs: {a: {uses: t@v1, presets: null}}", "presets: [calls]").built()


def test_a_preset_of_a_job_can_call_a_template() -> None:
    assert set(env(calling("jobs: {a: {presets: [calls]}}", ""))) == {"A", "O"}
    assert set(env(calling("jobs: {a: {uses: t@v1}}", "presets: [plain]"))) == {"B"}
    assert set(env(calling("jobs: {a: {uses: t@v1, presets: [calls]}}", "presets: [calls]"))) == {"A"}
