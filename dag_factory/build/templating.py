"""What ``{{ }}`` in a job can say beside Airflow's own words, and what it cannot do.

``output('job')``   what that job of the same run wrote to /airflow/xcom/return.json; of several, a list
``run_date``        the run's date in the pipeline's timezone: ``2026-01-31``, with the methods of a date

A run that an asset or a person started may have no logical date, and then Airflow's ``ds`` is not
defined; ``run_date`` falls back on the time from which the run could start, so that it always is.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import jinja2
import jinja2.ext
import jinja2.runtime
import pendulum

from dag_factory.build.names import label_value
from dag_factory.config import model
from dag_factory.config.dollars import EscapeDollars


class NoOutput(LookupError):
    """A template reads the output of a job that left none."""


@dataclass(frozen=True)
class Output:
    """The word ``output``.

    ``cells`` has the jobs that each matrix of the pipeline makes, by its name; ``mapped`` are the jobs that run
    for each item of a list.
    """

    cells: dict[str, tuple[str, ...]]
    mapped: frozenset[str]

    @jinja2.pass_context
    def __call__(self, context: jinja2.runtime.Context, job: str) -> Any:
        """The JSON value that the job ``job`` of this run wrote.

        Of a matrix it is a list of what its cells wrote, of a mapped job one of what its instances wrote; who
        wrote none is not in it. Raises ``NoOutput`` where any other job wrote none.
        """
        if job in self.cells:
            return [value for value in (self._one(context, cell) for cell in self.cells[job]) if value is not None]
        value = self._one(context, job)
        if value is None:
            raise NoOutput(
                f"output('{job}'): this job left no output in this run. It has one when it says `output: json`,"
                " writes JSON to /airflow/xcom/return.json and succeeds."
            )
        return value

    def _one(self, context: jinja2.runtime.Context, job: str) -> Any:
        if job not in self.mapped:
            return context["ti"].xcom_pull(task_ids=job, key="return_value")
        # asked for a list of tasks Airflow gives a list of values, also where there is one instance
        values = context["ti"].xcom_pull(task_ids=[job], key="return_value")
        return [value for value in values if value is not None]


def run_date(dag: Any, dag_run: Any) -> pendulum.Date:
    """The date of a run, where its pipeline's clock hangs."""
    moment = pendulum.instance(dag_run.logical_date or dag_run.run_after)
    date: pendulum.Date = moment.in_timezone(dag.timezone).date()
    return date


class _Context(jinja2.runtime.Context):
    """Airflow's context with ``run_date``: a name, where a macro would have to be called."""

    def resolve_or_missing(self, key: str) -> Any:
        if key == "run_date":
            return run_date(self["dag"], self["dag_run"])
        return super().resolve_or_missing(key)


class RunDate(jinja2.ext.Extension):
    """Jinja's way to let an environment know one name more."""

    def __init__(self, environment: jinja2.Environment) -> None:
        super().__init__(environment)
        environment.context_class = _Context


def dag_arguments(pipeline: model.Pipeline) -> dict[str, Any]:
    """The arguments of a DAG that decide how its tasks' templates are read.

    Airflow leaves all three out of the serialized DAG; a worker has them because it builds the DAG itself.
    """
    return {
        "user_defined_macros": {
            "output": Output(pipeline.cells, frozenset(job.name for job in pipeline.jobs if job.for_each))
        },
        "user_defined_filters": {"label": label_value},
        "jinja_environment_kwargs": {
            "extensions": ["jinja2.ext.do", RunDate, EscapeDollars],
            # Jinja's own marks, {# and #}, are in every shell script that counts: ${#files[@]}.
            "comment_start_string": "{{#",
            "comment_end_string": "#}}",
            # A text is what was written, its last line's end included.
            "keep_trailing_newline": True,
            # A template includes and reads no files; Airflow's own loader offers the folder of DAGs.
            "loader": None,
        },
    }


@lru_cache(4096)  # the same team, owner, environment and flavors, again and again
def safe_label(text: str) -> str:
    """A label's value, made safe now, or when it is rendered if a template is in it."""
    if "{{" in text or "{%" in text:
        apart = " " if text.endswith("{") else ""  # or the brackets of both would be read as others
        return "{% filter label %}" + text + apart + "{% endfilter %}"
    return label_value(text)
