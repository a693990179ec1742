"""The allowed names, attributes, methods, filters and tests of ``{{ }}`` templates.

``run_time_rules`` checks files against these lists, and ``run_time_sandbox`` enforces them when a task renders its
templates. A name that is not listed does not exist in a template. An environment adds names in ``templating.allow``.
"""

from __future__ import annotations

from collections.abc import Set

CONTEXT = frozenset(
    "data_interval_end data_interval_start ds ds_nodash inlets item logical_date map_index_template outlets output "
    "params partition_date partition_key prev_data_interval_end_success prev_data_interval_start_success "
    "prev_end_date_success prev_start_date_success run_date run_id task_instance_key_str task_reschedule_count "
    "triggering_asset_events ts ts_nodash ts_nodash_with_tz".split()
)
"""Names of plain data and dates, and the function ``output``. The builder reads each from the context of a task."""

WITHOUT_DATE = frozenset(
    "data_interval_end data_interval_start logical_date prev_data_interval_end_success "
    "prev_data_interval_start_success".split()
)
"""Names that are undefined in a run without a logical date."""

OBJECTS: dict[str, frozenset[str]] = {
    "dag": frozenset("catchup dag_display_name dag_id description end_date owner start_date tags timezone".split()),
    "task": frozenset(
        "execution_timeout owner pool pool_slots priority_weight queue retries retry_delay task_display_name task_id "
        "trigger_rule".split()
    ),
    "ti": frozenset("dag_id log_url map_index max_tries run_id start_date task_id try_number".split()),
    "dag_run": frozenset(
        "clear_number conf dag_id data_interval_end data_interval_start end_date logical_date note partition_date "
        "partition_key run_after run_id run_type start_date state team_name triggering_user_name".split()
    ),
}
OBJECTS["task_instance"] = OBJECTS["ti"]
"""Objects of Airflow, and their attributes that are plain data. Nothing else of them is reachable."""

MACROS: dict[str, tuple[str, ...]] = {
    "datetime": ("fromisoformat", "strptime"),
    "datetime_diff_for_humans": (),
    "ds_add": (),
    "ds_format": (),
    "timedelta": (),
}
"""The functions of ``macros``, each with its own functions."""

FUNCTIONS = frozenset(("dict", "namespace", "output", "range"))

ALLOWABLE = frozenset("asset_state_store conn inlet_events outlet_events task_state_store var".split())
"""Objects that a template can use only if the environment allows them by name."""

_LOOKS = "capitalize casefold isalnum isalpha isdecimal isdigit islower isnumeric isspace istitle isupper lower"
TEXT = frozenset(
    f"{_LOOKS} center count endswith find index join ljust lstrip partition removeprefix removesuffix replace rfind "
    "rindex rjust rpartition rsplit rstrip split splitlines startswith strip swapcase title upper zfill".split()
)
LIST = frozenset(("count", "index"))
DICT = frozenset(("get", "items", "keys", "values"))
_ANY_DATE = (
    "add date day day_of_week day_of_year days_in_month end_of first_of format is_leap_year isocalendar isoformat "
    "isoweekday last_of month next previous quarter replace start_of strftime subtract to_date_string "
    "week_of_month week_of_year weekday year"
)
DATE = frozenset(_ANY_DATE.split())
DATETIME = frozenset(
    f"{_ANY_DATE} astimezone float_timestamp hour in_timezone in_tz int_timestamp is_dst is_utc microsecond minute "
    "naive offset offset_hours second time timestamp timezone_name to_atom_string to_datetime_string "
    "to_iso8601_string to_rfc3339_string to_time_string utcoffset".split()
)
TIMEDELTA = frozenset(
    "days hours in_days in_hours in_minutes in_months in_seconds in_weeks in_years microseconds minutes "
    "months remaining_days remaining_seconds seconds total_days total_hours total_minutes total_seconds total_weeks "
    "weeks years".split()
)
TIME = frozenset("hour isoformat microsecond minute second strftime".split())
METHODS = TEXT | LIST | DICT | DATE | DATETIME | TIMEDELTA | TIME
"""All methods that a value can have. The type of the value decides when the task runs."""

LOOP = frozenset("cycle depth depth0 first index index0 last length nextitem previtem revindex revindex0".split())

AIRFLOW_FILTERS = frozenset("ds ds_nodash ts ts_nodash ts_nodash_with_tz".split())
FILTERS = AIRFLOW_FILTERS | frozenset(
    "abs attr batch capitalize count d default dictsort escape e first float format groupby indent int items join "
    "last length list lower map max min reject rejectattr replace reverse round select selectattr sort string sum "
    "title tojson trim truncate unique upper urlencode wordcount".split()
)
OWN_FILTERS = frozenset(("as_text", "label"))
"""Filters of this project. The builder adds ``label`` to values; files do not use it."""

TESTS = frozenset(
    "boolean defined divisibleby even false float ge gt in integer iterable le lower lt mapping ne none number odd "
    "sequence string true undefined upper eq equalto greaterthan lessthan sameas == != < <= > >=".split()
)

_GONE_DAY = "use `macros.ds_add(ds, {})`"
REPLACED = {
    "execution_date": "use `logical_date`, or `run_date`, which every run has",
    "next_execution_date": "use `data_interval_end`",
    "prev_execution_date": "use `data_interval_start`",
    "prev_execution_date_success": "use `prev_data_interval_start_success`",
    "next_ds": "use `data_interval_end | ds`",
    "next_ds_nodash": "use `data_interval_end | ds_nodash`",
    "prev_ds": "use `data_interval_start | ds`",
    "prev_ds_nodash": "use `data_interval_start | ds_nodash`",
    "tomorrow_ds": _GONE_DAY.format(1),
    "tomorrow_ds_nodash": f"{_GONE_DAY.format(1)}, with `| replace('-', '')`",
    "yesterday_ds": _GONE_DAY.format(-1),
    "yesterday_ds_nodash": f"{_GONE_DAY.format(-1)}, with `| replace('-', '')`",
    "latest_date": "use `ds`",
    "triggering_dataset_events": "use `triggering_asset_events`",
    "dag_run.execution_date": "use `dag_run.logical_date`",
    "dag_run.external_trigger": "use `dag_run.run_type == 'manual'`",
    "ti.execution_date": "use `logical_date`",
    "task_instance.execution_date": "use `logical_date`",
}
"""Names of Airflow 1 and 2, and what replaced them."""

INSTEAD = {
    "ti.xcom_pull": "use `output('job')`, or `output('job', default=none)` if the job may have no output",
    "task_instance.xcom_pull": "use `output('job')`, or `output('job', default=none)` if the job may have none",
    "ti.xcom_push": "write `/airflow/xcom/return.json` in the job, with `output: json`",
    "macros.uuid": "use `run_id`, which is unique in the pipeline",
    "macros.random": "use `run_id`, or compute the number in the job",
    "macros.time": "use `ts`, or read the clock in the job",
    "macros.json": "use the filter `| tojson`",
    "macros.yaml": "use the filter `| tojson`",
    "macros.dateutil": "use `macros.datetime.fromisoformat(text)`, and `logical_date.add(months=1)` to shift a date",
    "macros.datetime.now": "use `dag_run.start_date`, or read the clock in the job",
    "macros.datetime.today": "use `run_date`, or read the clock in the job",
    "macros.datetime.utcnow": "use `dag_run.start_date`, or read the clock in the job",
    "xcom_pull": "use `output('job')`",
    "try_number": "use `ti.try_number`",
    "conf": "use `dag_run.conf`",
    "self": "",
    "lipsum": "",
    "cycler": "use `loop.cycle(...)`",
    "joiner": "use `loop.last`",
}
"""Names that exist elsewhere and are refused here, with what to write instead."""

METHODS_INSTEAD = {
    "diff": "subtract one date from the other: `(b - a).days`",
    "encode": "do it in the job",
    "epoch": "use `.int_timestamp`",
    "format": "join text with `~`, or use the filter: `'%s-%s' | format(a, b)`",
}
"""The same for methods."""

PARSE_TIME = frozenset(("environment", "inputs", "job", "matrix", "pipeline", "vars"))
"""Names that are defined in ``${{ }}`` but not in ``{{ }}``."""

SECRETS = {"conn": "connections", "var": "variables"}
SECRET_HINT = "pass a secret of the cluster as a variable: `env: {NAME: {secret: name/key}}`"


def known() -> frozenset[str]:
    """All names that an expression can begin with."""
    return CONTEXT | OBJECTS.keys() | FUNCTIONS | {"macros"}


def is_allowed(path: str, allow: Set[str]) -> bool:
    """Whether an environment allows a dotted name or a name that it begins with."""
    parts = path.split(".")
    return any(".".join(parts[:end]) in allow for end in range(1, len(parts) + 1))
