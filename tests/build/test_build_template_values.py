"""Values of ``{{ }}``: keys before methods, dates without a logical date, defaults, limits."""

from __future__ import annotations

from typing import Any

import pytest
from building import a_job, a_pipeline, an_event, built, instance_of, rendered, rendering_fails

from dag_factory.settings import BOUNDS


def shell(text: str, **more: Any) -> str:
    return str(rendered(a_job(args=(text,)), **more).arguments[0])


OUTPUTS = {"list": {"items": ["a"], "values": 3, "update": False, "count": 2, "get": {"keys": "k"}}}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{ output('list').items }} {{ output('list').values }} {{ params.values }}", "['a'] 3 v1"),
        ("{{ output('list').update }} {{ output('list')['count'] }} {{ output('list').get.keys }}", "False 2 k"),
        ("{{ output('list').items() | map('first') | join(' ') }}", "items values update count get"),
        ("{{ output('list').get('values') }} {{ params.get('x', 'none') }}", "3 none"),
        ("{{ dag_run.conf.items }} {{ dag_run.conf.x[0] }}", "of conf 1"),
        ("{{ [output('list')] | map(attribute='items') | list }}", "[['a']]"),
        ("{% for key, value in output('list').items() %}{{ key }},{% endfor %}", "items,values,update,count,get,"),
        ("{{ {'items': 1}.items }} {{ {'a': 1}.items() }}", "1 [('a', 1)]"),
    ],
)
def test_a_key_of_a_map_wins_over_a_method(text: str, expected: str) -> None:
    assert shell(text, outputs=OUTPUTS, given={"values": "v1"}) == expected


def test_a_condition_reads_a_key_that_is_named_like_a_method() -> None:
    from airflow.sdk.exceptions import AirflowSkipException
    from building import instance_of, task_of

    task = task_of(a_job(when="{{ output('list').update }}"))
    with pytest.raises(AirflowSkipException):
        task._pre_execute_hook(instance_of(task, OUTPUTS).get_template_context())


def test_a_method_without_parentheses_is_explained() -> None:
    import jinja2

    with rendering_fails(jinja2.UndefinedError, match=r"`upper` is a method of a text: write `.upper\(\)`"):
        shell("{{ params.day.upper }}", given={"day": "x"})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{ ds }} {{ ds_nodash }}", "2026-02-28 20260228"),
        ("{{ ts }}", "2026-02-28T23:30:00+00:00"),
        ("{{ ts_nodash }} {{ ts_nodash_with_tz }}", "20260228T233000 20260228T233000+0000"),
        ("{{ run_date }}", "2026-03-01"),
        ("{{ macros.ds_add(ds, 1) }}", "2026-03-01"),
        ("{{ logical_date | default('none') }} {{ data_interval_start is defined }}", "none False"),
        ("{{ dag_run.logical_date }}", "None"),
    ],
)
def test_dates_of_a_run_without_a_logical_date(text: str, expected: str) -> None:
    after = "2026-03-01T00:30:00+01:00"
    assert shell(text, logical_date=None, run_after=after, timezone="Europe/Berlin") == expected


@pytest.mark.parametrize("name", ["logical_date", "data_interval_start", "data_interval_end"])
def test_a_name_without_a_value_in_such_a_run_suggests_run_date(name: str) -> None:
    import jinja2

    with rendering_fails(jinja2.UndefinedError, match=f"`{name}`.*no logical date.*`run_date`"):
        shell(f"{{{{ {name} }}}}", logical_date=None)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{ output('heads', default=output('tails')) }}", "2"),
        ("{{ output('heads', default=none) or 'nothing' }}", "nothing"),
        ("{{ output('heads', default={}).rows | default(0) }}", "0"),
        ("{{ output('tails', default=7) }}", "2"),
        ("{{ output('zero', default=7) }}", "0"),
        ("{{ output('empty', default=7) }}", "[]"),
    ],
)
def test_an_output_that_may_not_exist(text: str, expected: str) -> None:
    assert shell(text, outputs={"tails": 2, "zero": 0, "empty": []}) == expected


def test_the_outputs_of_a_matrix_that_has_none() -> None:
    cells = {"train": ("train-a", "train-b")}
    text = "{{ output('train', default='none') }}"
    assert shell(text, outputs={"train-b": 1}, cells=cells) == "[1]"
    assert shell(text, cells=cells) == "none"
    assert shell("{{ output('train') }}", cells=cells) == "[]"


def test_asset_events_are_data() -> None:
    events = (an_event(rows=3), an_event(rows=4), an_event("prices", "s3://lake/prices"))
    text = (
        "{% for asset, events in triggering_asset_events.items() %}{{ asset }} {{ asset.uri }} {{ events | length }} "
        "{{ events[-1].extra.rows | default('-') }} {{ events[0].source_task_id }} {{ events[0].asset.name }};"
        "{% endfor %}"
    )
    expected = "orders s3://lake/orders 2 4 load orders;prices s3://lake/prices 1 - load prices;"
    assert shell(text, events=events) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{ task.task_id }} {{ dag.dag_id }} {{ ti.try_number }} {{ ti.map_index }}", "main growth.churn 1 -1"),
        ("{{ task_instance.run_id }} {{ dag_run.run_type }} {{ dag.timezone }}", "manual__2026+x manual UTC"),
        ("{{ dag.tags }} {{ task.execution_timeout }}", "['b', 'team:growth'] None"),
        ("{{ logical_date.add(days=1) | ds }} {{ (logical_date - macros.timedelta(days=2)).day }}", "2026-02-01 29"),
        ("{{ logical_date.strftime('%H:%M') }} {{ logical_date.in_timezone('Europe/Berlin').hour }}", "23:30 0"),
        ("{{ (data_interval_end - data_interval_start).total_seconds() }}", "0.0"),
        ("{{ macros.datetime.strptime('2026-02-03', '%Y-%m-%d').month }} {{ macros.datetime(2026, 1, 2).day }}", "2 2"),
        ("{{ macros.ds_format('2026-02-03', '%Y-%m-%d', '%d.%m.') }}", "03.02."),
        ("{{ '%02d' | format(3) }} {{ '%s-%s' % (1, 'a') }} {{ '%(a)s' % {'a': 1} }}", "03 1-a 1"),
        ("{{ 'a,b'.split(',') | map('upper') | join('+') }} {{ 'x'.join(['a', 'b']) }}", "A+B axb"),
        ("{{ [3, 1, 2] | sort | list }} {{ range(3) | list }} {{ [1, 2] + [3] }}", "[1, 2, 3] [0, 1, 2] [1, 2, 3]"),
        ("{% set ns = namespace(n=0) %}{% for i in range(4) %}{% set ns.n = ns.n + i %}{% endfor %}{{ ns.n }}", "6"),
        ("{% for x in 'ab' %}{{ loop.index }}{{ x }}{{ loop.cycle('-', '+') }}{% endfor %}", "1a-2b+"),
        ("{{ [{'k': 1, 'v': 2}] | groupby('k') | map(attribute='list') | list }}", "[[{'k': 1, 'v': 2}]]"),
        ("{{ true }} {{ none }} {{ 1.5 }} {{ {'a': [1]} | tojson }}", 'True None 1.5 {"a": [1]}'),
        ("{{ {'a': '<b>'} | tojson ~ '<' }}", '{"a": "\\u003cb\\u003e"}<'),
        ("{{ 7 if params.full else 8 }} {{ 1 in [1, 2] }} {{ 'a' in params.name }}", "8 True True"),
    ],
)
def test_common_templates(text: str, expected: str) -> None:
    params = {"full": False, "name": "abc"}
    assert shell(text, given=params, tags=("b",)) == expected


BIG = "{% set x = 'x' * 5000 %}"
TOO_MUCH = [
    "{{ 'x' * 10 ** 9 }}",
    "{{ 9 ** 99 ** 99 }}",
    "{{ [1] * 10 ** 9 }}",
    "{{ 'a'.zfill(10 ** 9) }}",
    "{{ 'a'.center(10 ** 9) }}",
    "{{ '%999999999d' | format(1) }}",
    "{{ '%*d' | format(999999999, 1) }}",
    "{{ '%(a)999999999d' % {'a': 1} }}",
    "{{ '%.999999999f' % 1.0 }}",
    "{{ 'a' | indent(10 ** 9) }}",
    "{{ {'a': 1} | tojson(indent=10 ** 9) }}",
    "{{ [1] | batch(10 ** 9, 0) | list }}",
    "{{ 1 | round(10 ** 9) }}",
    "{{ range(10 ** 9) | list }}",
    "{% for a in range(99999) %}{% for b in range(99999) %}x{% endfor %}{% endfor %}",
    BIG + "{{ x | replace('x', x) }}",
    BIG + "{{ x.replace('x', x) }}",
    BIG + "{{ (x | list) | join(x) }}",
    BIG + "{{ x.join(x | list) }}",
    "{% set x = 'x' %}" + "{% set x = x ~ x %}" * 40,
    "{% set x = [1] %}" + "{% set x = [x, x] %}" * 40,
    "{% set x = {} %}" + "{% set x = {'a': x, 'b': x} %}" * 40,
    "{% set x = [1] %}" + "{% set x = x + x %}" * 40,
    "{% set n = namespace(x='x') %}{% for i in range(60) %}{% set n.x = n.x ~ n.x %}{% endfor %}",
    "{% set x %}{% for i in range(60000) %}" + "x" * 90 + "{% endfor %}{% endset %}{{ x }}",
    "{% set x = range(50000) | list %}{% for i in range(50000) %}{{ i in x }}{% endfor %}",
    "{% set x = range(50000) | list %}{% for i in range(50000) %}{{ x == x }}{% endfor %}",
    "{% set x = range(50000) | list %}{% for i in range(50000) %}{{ x | sort | first }}{% endfor %}",
    "{% for i in range(90000) %}{{ params.long }}{% endfor %}",
    "{% set x = params.long * 500 %}{{ x.rfind('y' ~ x) }}{{ x.rsplit('y' ~ params.long * 400) }}",
    "{{ (params.long * 500) | trim('y' * 9000 ~ 'z') }}",
    "{{ ('f' * 9000) | int(base=16) }}",
    "{{ 2 ** 60 * 2 ** 60 }}",
    "{{ range(90000) | batch(1) | list | sum(start=[]) | length }}",
    "{% set x = params.long * 500 %}{% for i in range(9000) %}{% set y = x.count('y') %}{% endfor %}",
    "{% set x = range(9000) | list %}{% for i in range(9000) %}{% set y = x.index(8999) %}{% endfor %}",
    "{{ (logical_date - logical_date.add(years=-900)) | list | length }}",
    "{{ ', '.join(logical_date - logical_date.add(years=-900)) }}",
    "{{ dict(*(logical_date - logical_date.add(years=-900))) }}",
    "{{ 1 | default(*(logical_date - logical_date.add(years=-900))) }}",
]


@pytest.mark.parametrize("text", TOO_MUCH)
def test_work_and_output_are_limited(text: str) -> None:
    from dag_factory.config.expressions.data import LimitExceeded

    with rendering_fails(LimitExceeded, OverflowError):
        shell(text, given={"long": "x" * 1000})


def test_each_text_has_its_own_limit() -> None:
    text = "{% for i in range(40000) %}xx{% endfor %}"
    task = rendered(a_job(args=(text,) * 3))
    assert [len(given) for given in task.arguments] == [80000] * 3
    assert BOUNDS.rendered_bytes > 80000


def test_the_texts_of_a_task_share_a_limit() -> None:
    from dag_factory.config.expressions.data import LimitExceeded

    text = "{% for i in range(90000) %}{% set x = i | string | upper | lower %}{% endfor %}"
    assert shell(text) == ""
    with rendering_fails(LimitExceeded, match="the templates of this task"):
        rendered(a_job(args=(text,) * 60))


@pytest.mark.parametrize("text", ["{{ logical_date.next(0.5) }}", "{{ run_date.previous(day_of_week=0.5) }}"])
def test_an_unknown_day_of_the_week(text: str) -> None:
    from dag_factory.config.expressions.run_time_values import NotAllowed

    with rendering_fails(NotAllowed, match="whole number"):
        shell(text)


def test_an_output_is_fetched_once_for_a_task() -> None:
    task = built(a_pipeline(a_job(args=("{% for i in range(9) %}{{ output('x') }}{% endfor %}",) * 3))).task_dict[
        "main"
    ]
    ti = instance_of(task, {"x": 1})
    pull, asked = ti.xcom_pull, []

    def counted(**which: Any) -> Any:
        asked.append(which["task_ids"])
        return pull(**which)

    object.__setattr__(ti, "xcom_pull", counted)
    ti.render_templates(ti.get_template_context(), task.dag.get_template_env())
    assert ti.task.arguments == ["1" * 9] * 3
    assert asked == ["x"]


def test_long_texts_are_joined_by_plus() -> None:
    text = "{% set x = output('x') %}{{ (x + x) | length }}"
    assert shell(text, outputs={"x": "a" * 200_000}) == "400000"


def test_a_large_output_is_read() -> None:
    rows = [{"id": number, "name": f"row {number}"} for number in range(5000)]
    text = "{% for row in output('rows') %}{{ row.id }} {% endfor %}{{ output('rows') | length }}"
    assert shell(text, outputs={"rows": rows}).endswith("4999 5000")
    assert len(shell("{{ output('rows') | tojson }}", outputs={"rows": rows})) > 100_000


def test_literal_braces() -> None:
    given = shell("docker inspect -f '{% raw %}{{.State.Status}}{% endraw %}' x")
    assert given == "docker inspect -f '{{.State.Status}}' x"


def test_an_output_that_is_not_data_is_rejected() -> None:
    """Airflow turns some JSON into objects; the type decides here, too."""
    from dag_factory.config.expressions.run_time_values import NotAllowed

    with rendering_fails(NotAllowed, match="of the type `object`"):
        shell("{{ output('a') }}", outputs={"a": {"b": [object()]}})
    with rendering_fails(NotAllowed, match="of the type `object`"):
        shell("{{ output('a').b }}", outputs={"a": {"b": object()}}, templates_allow=("var",))
