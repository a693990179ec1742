"""What ``{{ }}`` renders to in a worker, and which text stays unchanged."""

from __future__ import annotations

from pathlib import Path

import pytest
from building import a_job, container_of, rendered

from dag_factory.config import model


def shell(text: str, **more: object) -> str:
    task = rendered(a_job(command=("/bin/sh", "-ec"), args=(text,)), **more)  # type: ignore[arg-type]
    return str(task.arguments[0])


@pytest.mark.parametrize(
    "text",
    [
        'files=(a b); echo "${#files[@]}" # {#}',
        "case $x in {#a) ;; esac #}",
        "echo one\necho two\n\n",
        "echo ${name%%.*} ${name##*/}",
        "",
    ],
)
def test_shell_text_is_not_changed(text: str) -> None:
    assert shell(text) == text


def test_comments() -> None:
    assert shell("a{{# not this #}}b {{ params.folds }}") == "ab 5"


@pytest.mark.parametrize("name", ["config.yaml", "run.sh", "query.sql", "a.json", "x.md"])
def test_an_argument_that_looks_like_a_file_is_text(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / name).write_text("WRONG")
    monkeypatch.chdir(tmp_path)
    from building import a_pipeline, built

    job = a_job(command=(name,), args=(name,), env=(model.EnvVar(name="A", value=name),))
    dag = built(a_pipeline(job))
    dag.resolve_template_files()  # Airflow calls this for every DAG that it loads
    assert dag.task_dict["main"].arguments == [name]
    task = rendered(job)
    assert (task.cmds, task.arguments, task.env_vars[0].value) == ([name], [name], name)


def test_a_template_reads_no_files() -> None:
    assert "cannot include another file" in mistake("{% include 'loader.py' %}")


def test_an_undefined_name_is_an_error() -> None:
    assert mistake("{{ ds }} {{ flods }}") == "configuration: `{{ flods }}` cannot be rendered: 'flods' is undefined"


def test_a_mistake_in_a_long_script_names_the_expression() -> None:
    script = "echo {{ ds }}\n" * 50 + "echo {{ 1 + 'a' }}\necho {{ params.folds }}\n"
    assert mistake(script).startswith("configuration: a template of the job cannot be rendered: TypeError: unsupported")


def mistake(text: str, outputs: dict[str, object] | None = None) -> str:
    """The verdict on a task with a mistake in a template."""
    from dag_factory.build.worker.try_failed import TryFailed

    with pytest.raises(TryFailed) as failure:
        shell(text, outputs=outputs)
    assert failure.value.next_try.action == "fail"
    return failure.value.verdict.sentence


def test_output_of_another_job() -> None:
    outputs = {"extract": {"rows": 7, "names": ["a", "b"]}, "zero": 0}
    assert shell("{{ output('extract').rows }}", outputs=outputs) == "7"
    assert shell("{{ output('extract').names | tojson }}", outputs=outputs) == '["a", "b"]'
    assert shell("{{ output('zero') }}", outputs=outputs) == "0"
    assert shell("{% for n in output('extract').names %}{{ n }};{% endfor %}", outputs=outputs) == "a;b;"


def test_a_missing_output_is_explained() -> None:
    found = mistake("{{ output('extract').rows }}", outputs={})
    assert found.startswith(
        "configuration: `{{ output('extract').rows }}` cannot be rendered: output('extract'): this job"
    )
    assert "`output: json`" in found


def test_null_is_an_output() -> None:
    outputs = {"extract": None}
    assert shell("{{ output('extract') is none }}", outputs=outputs) == "True"
    assert shell("{{ output('extract', default=5) is none }}", outputs=outputs) == "True"
    assert shell("{{ output('extract', default=5) }}", outputs={}) == "5"


def test_run_date_is_a_date_in_the_pipelines_timezone() -> None:
    assert shell("{{ run_date }}") == "2026-01-31"
    # 23:30 UTC is 00:30 in Berlin
    assert shell("{{ run_date }}", timezone="Europe/Berlin") == "2026-02-01"


def test_run_date_has_a_dates_methods_and_airflows_filters() -> None:
    assert shell("{{ run_date | ds }} {{ run_date | ds_nodash }}") == "2026-01-31 20260131"
    assert shell("{{ run_date.subtract(days=1) }}/{{ run_date.year }}") == "2026-01-30/2026"
    assert shell("{{ run_date.format('YYYY/MM') }} {{ run_date.isoformat() }}") == "2026/01 2026-01-31"


def test_run_date_without_a_logical_date() -> None:
    assert shell("{{ run_date }}", logical_date=None) == "2026-03-01"


def test_run_date_in_a_loop_and_in_a_variable() -> None:
    assert (
        shell("{% set d = run_date %}{% for i in [1] %}{{ d }} {{ run_date }}{% endfor %}") == "2026-01-31 2026-01-31"
    )


def test_templates_in_variables_of_both_kinds() -> None:
    variables = (
        model.EnvVar(name="DAY", value="{{ run_date }}"),
        model.EnvVar(name="KEY", secret=model.KeyRef(name="s", key="k")),
    )
    assert rendered(a_job(env=variables)).env_vars[0].value == "2026-01-31"
    assert rendered(a_job(env=variables[:1])).env_vars[0].value == "2026-01-31"


def test_rendering_one_task_does_not_change_the_others() -> None:
    from building import a_pipeline, built

    variables = (
        model.EnvVar(name="TASK", value="{{ task.task_id }}"),
        model.EnvVar(name="KEY", secret=model.KeyRef(name="s", key="k")),
    )
    dag = built(a_pipeline(a_job("a", env=variables), a_job("b", env=variables)))
    for name in ("a", "b"):
        task = dag.task_dict[name].prepare_for_execution()
        task.render_template_fields({"task": task, "dag": dag}, dag.get_template_env())
        assert task.env_vars[0].value == name


def test_templates_are_in_the_pod_unchanged_before_they_are_rendered() -> None:
    [text] = container_of(a_job(args=("--day={{ ds }}",)))["args"]
    assert "--day={{ ds }}" in text
