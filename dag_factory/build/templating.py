"""How a job's ``{{ }}`` is rendered: in a sandbox of the factory's own, which Airflow's environment gives way to.

``output('job')``   what that job of the same run wrote to /airflow/xcom/return.json; of several, a list
``item``            of a job that runs for each item of a list, or whose group does
``run_date``        the run's date in the pipeline's timezone: ``2026-01-31``, with the methods of a date

Airflow makes a Jinja environment for each DAG. The extension here receives it and makes every template in a
``TaskSandbox`` instead, wherever Airflow renders one: fields of the operator, ``when``, names of mapped tasks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any, ClassVar

import jinja2
import jinja2.ext

from dag_factory.build.mapped_items import Items, as_text
from dag_factory.build.names import label_value
from dag_factory.build.outputs import NULL_KEY
from dag_factory.config import model
from dag_factory.config.expressions.dollar_signs import EscapeDollars, is_later
from dag_factory.config.expressions.run_time_names import AIRFLOW_FILTERS, OWN_FILTERS

_NO_DEFAULT: Any = object()
_NOTHING: Any = object()  # a job wrote no output; None is a null


class NoOutput(LookupError):
    """A template reads the output of a job that left none."""


@dataclass(frozen=True)
class Output:
    """The function ``output``.

    ``cells`` has the jobs that each matrix of the pipeline makes, by its name; ``mapped`` are the jobs that run
    for each item of a list; ``items`` knows the groups that do.
    """

    cells: dict[str, tuple[str, ...]]
    mapped: frozenset[str]
    items: Items = field(default_factory=lambda: Items({}, {}))

    def __call__(self, context: Mapping[str, Any], job: str, *, default: Any = _NO_DEFAULT) -> Any:
        """The JSON value that the job ``job`` of this run wrote, or ``default`` where it wrote none.

        Of a matrix it is a list of what its cells wrote, of a mapped job one of what its instances wrote; who
        wrote none is not in it. A null is a value like any other. Raises ``NoOutput`` where any other job wrote none
        and there is no default.
        """
        if job in self.cells:
            values = [
                value for value in (self._one(context, cell) for cell in self.cells[job]) if value is not _NOTHING
            ]
        else:
            values = self._one(context, job)
        if (values is _NOTHING or (values == [] and self._is_list(context, job))) and default is not _NO_DEFAULT:
            return default
        if values is _NOTHING:
            raise NoOutput(
                f"output('{job}'): this job left no output in this run. It has one when it says `output: json`,"
                " writes JSON to /airflow/xcom/return.json and succeeds. Where it may be skipped, write"
                f" output('{job}', default=none)."
            )
        return values

    def _is_list(self, context: Mapping[str, Any], job: str) -> bool:
        return job in self.cells or (job in self.mapped and not self.items.is_beside(job, context["ti"]))

    def _one(self, context: Mapping[str, Any], job: str) -> Any:
        ti = context["ti"]
        if job not in self.mapped:
            value = ti.xcom_pull(task_ids=job, key="return_value")
            return _NOTHING if value is None and not ti.xcom_pull(task_ids=job, key=NULL_KEY) else value
        if self.items.is_beside(job, ti):  # the output for the same item
            value = ti.xcom_pull(task_ids=job, key="return_value", map_indexes=ti.map_index)
            is_null = value is None and ti.xcom_pull(task_ids=job, key=NULL_KEY, map_indexes=ti.map_index)
            return _NOTHING if value is None and not is_null else value
        # Asked for a list of tasks Airflow gives a list of values, also where there is one instance ...
        values = ti.xcom_pull(task_ids=[job], key="return_value")
        # ... and the list [None] where no instance wrote any.
        return [] if values == [None] and not any(ti.xcom_pull(task_ids=[job], key=NULL_KEY)) else values


class TaskTemplates(jinja2.ext.Extension):
    """Makes the templates of Airflow's environment in the sandbox."""

    allow: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, environment: jinja2.Environment) -> None:
        super().__init__(environment)
        # On the instance: the environment is Airflow's own, made for this DAG alone.
        vars(environment).update(from_string=self.from_string, compile=self._compile)

    def from_string(self, source: Any, *_: Any, **__: Any) -> jinja2.Template:
        """The template of a text, which knows and does what the sandbox allows."""
        return self._sandbox.from_string(source)

    def _compile(self, *_: Any, **__: Any) -> Any:
        raise TypeError("a job's templates are made by `from_string` only")

    @cached_property
    def _sandbox(self) -> jinja2.Environment:
        # A worker needs these, and the loader does not.
        from dag_factory.build import runtime_context
        from dag_factory.config.expressions.run_time_sandbox import TaskSandbox

        airflow = self.environment
        output: Any = airflow.globals["output"]
        fetched: list[runtime_context.Fetched] = []

        def lookup(context: Mapping[str, Any], name: str) -> Any:
            if name in ("item", "output"):
                if not fetched or fetched[0].ti is not context["ti"]:
                    fetched[:] = [runtime_context.Fetched(context["ti"])]
                context = {**context, "ti": fetched[0]}
            return runtime_context.lookup(output, self.allow, context, name)

        filters = {name: airflow.filters[name] for name in sorted(AIRFLOW_FILTERS | OWN_FILTERS)}
        others = tuple(type(one) for one in airflow.extensions.values() if not isinstance(one, TaskTemplates))
        return TaskSandbox(lookup, self.allow, filters, others)


@lru_cache
def _extension(allow: tuple[str, ...]) -> type[TaskTemplates]:
    """The extension for pipelines of an environment that allows these names."""
    return type("TaskTemplates", (TaskTemplates,), {"allow": frozenset(allow)})


def dag_arguments(pipeline: model.Pipeline) -> dict[str, Any]:
    """The arguments of a DAG that decide how its tasks' templates are read.

    Airflow leaves all three out of the serialized DAG; a worker has them because it builds the DAG itself.
    """
    return {
        "user_defined_macros": {"output": _output(pipeline)},
        "user_defined_filters": {"label": label_value, "as_text": as_text},
        "jinja_environment_kwargs": {
            "extensions": ["jinja2.ext.do", _extension(pipeline.templates_allow), EscapeDollars],
            # A template includes and reads no files; Airflow's own loader offers the folder of DAGs.
            "loader": None,
        },
    }


def _output(pipeline: model.Pipeline) -> Output:
    mapped = frozenset(job.name for job in pipeline.jobs if job.for_each or job.mapped_group)
    groups = {job.name: job.mapped_group for job in pipeline.jobs if job.mapped_group} if pipeline.groups else {}
    return Output(pipeline.cells, mapped, Items(groups, pipeline.groups))


@lru_cache(4096)  # the same team, owner, environment and flavors, again and again
def safe_label(text: str) -> str:
    """A label's value, made safe now, or when it is rendered if a template is in it."""
    if is_later(text):
        apart = " " if text.endswith("{") else ""  # or the brackets of both would be read as others
        return "{% filter label %}" + text + apart + "{% endfilter %}"
    return label_value(text)
