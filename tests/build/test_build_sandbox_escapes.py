"""What a template of a job cannot reach: known escapes from Jinja's and Airflow's sandboxes, each rejected twice.

Each text is refused by the check of a file, and again when a worker renders it by the operator's own way.
"""

from __future__ import annotations

import pytest
from building import a_job, rendered, rendering_fails

from dag_factory.config.expressions import run_time

REACHES_AIRFLOW = """
{{ macros.json.codecs.sys.modules["os"].popen("id").read() }}
{{ macros.uuid.os.popen("id").read() }}
{{ macros.dateutil.parser.re }}
{{ macros.yaml.safe_load("a") }}
{{ macros.time.sleep(1) }}
{{ macros.random() }}
{{ macros.ds_add.__globals__ }}
{{ macros.datetime.__class__ }}
{{ macros["json"] }}
{{ macros.datetime }}
{{ macros | attr("json") }}
{{ macros }}
{{ task.hook.get_connection("x") }}
{{ task.client.api_client }}
{{ task.dag.params }}
{{ task["hook"] }}
{{ task | attr("hook") }}
{{ (task).hook }}
{{ task.pod_manager }}
{{ task.execute({}) }}
{{ task.task_id.__class__ }}
{{ [task] | map(attribute="hook") | list }}
{{ [task] | selectattr("hook") | list }}
{{ [task] | groupby("hook") }}
{{ [task] | sort(attribute="hook") }}
{{ {"a": task}.a.hook }}
{{ dict(a=task).a.hook }}
{{ (task, 1)[0].hook }}
{{ (task or ds).hook }}
{{ (task if ds else task).hook }}
{{ task ~ "" }}
{{ task is defined }}
{{ task == task }}
{{ task | string }}
{{ task | tojson }}
{% set t = task %}{{ t.hook }}
{% set ns = namespace(t=task) %}{{ ns.t.hook }}
{% with t = task %}{{ t.hook }}{% endwith %}
{% for t in [task] %}{{ t.hook }}{% endfor %}
{% for t in task %}{{ t }}{% endfor %}
{% if task %}{% endif %}
{% do task.dag.clear() %}
{{ dag.get_task("a") }}
{{ dag.task_dict }}
{{ dag.fileloc }}
{{ dag.user_defined_macros }}
{{ dag.get_template_env(native=True) }}
{{ dag.dag_id.__class__.__mro__ }}
{{ ti.get_template_context()["conn"] }}
{{ ti.task.hook }}
{{ ti.xcom_pull(task_ids="x") }}
{{ ti.xcom_push("a", 1) }}
{{ ti.bundle_instance }}
{{ ti._ti_context_from_server }}
{{ ti["_ti_context_from_server"] }}
{{ ti.model_dump() }}
{{ task_instance.get_template_context() }}
{{ task_instance.task.client }}
{{ dag_run.get_task_instances() }}
{{ dag_run.model_dump() }}
{{ dag_run.__class__ }}
{{ dag_run.consumed_asset_events }}
{{ conn.warehouse.password }}
{{ conn["warehouse"] }}
{{ conn.get("warehouse").password }}
{{ var.value.token }}
{{ var.json.get("token") }}
{{ inlet_events }}
{{ outlet_events }}
{{ task_state_store.get("a") }}
{{ asset_state_store }}
{{ output.__globals__ }}
{{ output }}
{{ output | attr("__call__") }}
""".strip().splitlines()

REACHES_PYTHON = """
{{ ''.__class__.__mro__[1].__subclasses__() }}
{{ ''.__class__.__base__.__subclasses__() }}
{{ ().__class__.__bases__[0].__subclasses__() }}
{{ [].__class__.__base__ }}
{{ {}.__class__.__base__ }}
{{ 1.__class__ }}
{{ (1).__class__ }}
{{ true.__class__ }}
{{ ''['__class__'] }}
{{ ''['__cla' ~ 'ss__'] }}
{{ ''[('__cla', 'ss__') | join] }}
{{ ''['\\x5f\\x5fclass\\x5f\\x5f'] }}
{{ '' | attr('__class__') }}
{{ '' | attr('\\x5f\\x5fclass\\x5f\\x5f') }}
{{ [''] | map(attribute='__class__') | list }}
{{ [''] | map('attr', '__class__') | list }}
{{ [''] | selectattr('__class__') | list }}
{{ [''] | groupby('__class__') }}
{{ ds.__class__ }}
{{ ds['__class__'] }}
{{ params.__class__ }}
{{ params['__class__'] }}
{{ params.day.__class__ }}
{{ run_date.__class__ }}
{{ logical_date.__reduce__() }}
{{ logical_date.tzinfo.__class__ }}
{{ self }}
{{ self._TemplateReference__context["conn"] }}
{{ self.__init__.__globals__ }}
{{ self.__dict__ }}
{{ super }}
{{ caller() }}
{{ varargs }}
{{ kwargs }}
{{ lipsum.__globals__['os'].popen('id').read() }}
{{ lipsum() }}
{{ cycler.__init__.__globals__.os }}
{{ cycler('a') }}
{{ joiner.__init__.__globals__ }}
{{ joiner() }}
{{ namespace.__init__.__globals__ }}
{{ namespace(a=1).__class__ }}
{{ namespace(a=1)['__class__'] }}
{{ dict.__base__ }}
{{ dict.mro() }}
{{ dict }}
{{ range.__class__ }}
{{ range }}
{{ range | attr('__class__') }}
{% for x in [1] %}{{ loop.__class__ }}{% endfor %}
{% for x in [1] %}{{ loop | attr('__init__') }}{% endfor %}
{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}
{{ '{0.__class__}'.format('') }}
{{ '{0.__class__.__mro__}'.format(ds) }}
{{ '{a.__init__.__globals__}'.format_map({'a': 1}) }}
{{ '{0}'.format(task) }}
{{ '%s' % task }}
{{ '%s' | format(task) }}
{{ ds.encode() }}
{{ ds.translate({}) }}
{{ [].append(1) }}
{{ params.update({}) }}
{{ params.pop('day') }}
{{ params['get']('day')() }}
{{ (ds)() }}
{{ 'os'() }}
{{ missing_name.__class__ }}
{{ (missing_name | default('')).__class__ }}
{{ ds | pprint }}
{{ ds | safe }}
{{ ds | xmlattr }}
{{ ds | random }}
{{ ds is callable }}
{{ ds is filter }}
{% macro m() %}{{ caller }}{% endmacro %}{{ m.__globals__ }}
{% macro m() %}{% endmacro %}{{ m() }}
{% call ds() %}{% endcall %}
{% block b %}{{ self }}{% endblock %}
{% include '/etc/passwd' %}
{% import 'os' as os %}
{% from 'os' import popen %}
{% extends 'base' %}
{% autoescape true %}{% endautoescape %}
{% filter attr('__class__') %}{% endfilter %}
{% filter pprint %}{% endfilter %}
{% set x %}{{ ''.__class__ }}{% endset %}
{% set ''.x = 1 %}
""".strip().splitlines()

ONLY_A_RUN_KNOWS = """
{{ params['__cla' ~ 'ss__'] }}
{{ params.day[params.name] }}
{{ params.day | attr(params.name) }}
{{ [params.day] | map(attribute=params.name) | list }}
{{ run_date[params.name] }}
{{ logical_date | attr(params.name) }}
{% set x = params.day %}{{ x[params.name] }}
{% for x in [1] %}{{ loop[params.name] }}{% endfor %}
{{ namespace(a=1)[params.name] }}
{{ ([] | first)[params.name] }}
{{ (params | items | list)[0][params.name] }}
{{ range(3)[params.name] }}
{{ logical_date.format('YYYY', '../../x') }}
{{ logical_date.format('YYYY', locale='x') }}
{{ logical_date.strftime('%Y' * 200) }}
{{ macros.ds_format(ds, '%Y-%m-%d', '%Y' * 200) }}
{{ logical_date.nth_of('month', 999999999, 1) }}
{{ params.day.capitalize }}
{{ ds.format }}
{{ params.day() }}
""".strip().splitlines()

PARAMS = frozenset(("day", "name"))
SCOPE = run_time.Scope("main", lambda: frozenset(), {"main": ("main",)}, frozenset(), PARAMS)


def refused_at_check(text: str) -> list[str]:
    """The codes of the compiler's errors for a text of a job."""
    from dag_factory.config.positions import Position
    from dag_factory.config.schema.annotations import shape
    from dag_factory.config.tree import from_python

    node = from_python({"args": [text]}, Position("a.yaml", 1, 1))
    found = run_time.check(node, shape("job.schema.json", "/$defs/job"), SCOPE, ("jobs", "main"))
    return [problem.code for problem in found if problem.severity == "error"]


def render(text: str) -> str:
    """What the operator renders from a text that was not checked."""
    params = {"day": "2026-01-31", "name": "__class__"}
    return str(rendered(a_job(args=(text,)), given=params).arguments[0])


@pytest.mark.parametrize("text", [*REACHES_AIRFLOW, *REACHES_PYTHON])
def test_an_escape_is_rejected_in_a_file(text: str) -> None:
    assert refused_at_check(text), text


@pytest.mark.parametrize("text", [*REACHES_AIRFLOW, *REACHES_PYTHON, *ONLY_A_RUN_KNOWS])
def test_an_escape_is_rejected_in_a_worker(text: str) -> None:
    import jinja2

    with rendering_fails(jinja2.TemplateError, TypeError):
        render(text)


@pytest.mark.parametrize("text", [*REACHES_AIRFLOW, *REACHES_PYTHON, *ONLY_A_RUN_KNOWS])
def test_the_types_of_values_alone_stop_an_escape(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same without the check of the text: the types of values alone stop it."""
    from dag_factory.build.worker.try_failed import TryFailed
    from dag_factory.config.expressions import run_time_rules

    monkeypatch.setattr(run_time_rules, "check", lambda *_: iter(()))
    harmless = ("is defined", "task == task", "{% macro m() %}{% endmacro %}", "if task", "(ds)()")
    if any(part in text for part in harmless):
        return
    try:
        given = render(text)
    except (TryFailed, AssertionError):
        return
    assert not any(sign in given for sign in ("<", "object", "class", "function", "module", "method")), given
