"""Render a job's ``{{ }}`` in the factory's sandbox instead of Airflow's Jinja environment.

``output('job')``   what that job of the same run wrote to /airflow/xcom/return.json; a list for several jobs
``item``            the item of a job or a group that runs once per item of a list
``run_date``        the date of the run in the pipeline's timezone: ``2026-01-31``, with the methods of a date

Airflow creates a Jinja environment for each DAG. The extension here receives it, and creates every template in a
``TaskSandbox`` instead: for fields of the operator, for ``when``, and for the labels of mapped tasks.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property, lru_cache
from typing import Any, ClassVar

import jinja2
import jinja2.ext

from dag_factory.build.worker.templates.item import GroupItems, as_text
from dag_factory.build.worker.templates.output_function import OutputFunction
from dag_factory.config import model
from dag_factory.config.expressions.dollar_signs import EscapeDollars
from dag_factory.config.expressions.run_time_names import AIRFLOW_FILTERS, OWN_FILTERS
from dag_factory.config.pod.names import label_value


class TaskTemplates(jinja2.ext.Extension):
    """Creates the templates of Airflow's environment in the sandbox."""

    allow: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, environment: jinja2.Environment) -> None:
        super().__init__(environment)
        # Set on the instance: Airflow created this environment for this DAG only.
        vars(environment).update(from_string=self.from_string, compile=self._compile)

    def from_string(self, source: Any, *_: Any, **__: Any) -> jinja2.Template:
        """Return a template that can use only what the sandbox allows."""
        return self._sandbox.from_string(source)

    def _compile(self, *_: Any, **__: Any) -> Any:
        raise TypeError("templates of a job are created by `from_string` only")

    @cached_property
    def _sandbox(self) -> jinja2.Environment:
        # Imported here because the loader does not need them.
        from dag_factory.build.worker.templates import context as runtime_context
        from dag_factory.config.expressions.run_time_sandbox import TaskSandbox

        airflow = self.environment
        output: Any = airflow.globals["output"]
        fetched: list[runtime_context.CachedOutputs] = []

        def lookup(context: Mapping[str, Any], name: str) -> Any:
            if name in ("item", "output"):
                if not fetched or fetched[0].ti is not context["ti"]:
                    fetched[:] = [runtime_context.CachedOutputs(context["ti"])]
                context = {**context, "ti": fetched[0]}
            return runtime_context.lookup(output, self.allow, context, name)

        filters = {name: airflow.filters[name] for name in sorted(AIRFLOW_FILTERS | OWN_FILTERS)}
        others = tuple(type(one) for one in airflow.extensions.values() if not isinstance(one, TaskTemplates))
        return TaskSandbox(lookup, self.allow, filters, others)


@lru_cache
def _extension(allow: tuple[str, ...]) -> type[TaskTemplates]:
    """Return the extension for pipelines of an environment that allows these names."""
    return type("TaskTemplates", (TaskTemplates,), {"allow": frozenset(allow)})


def template_arguments(pipeline: model.Pipeline) -> dict[str, Any]:
    """Return the arguments of a DAG that control how the templates of its tasks are rendered.

    Airflow serializes none of the three. A worker has them because it builds the DAG itself.
    """
    return {
        "user_defined_macros": {"output": _output(pipeline)},
        "user_defined_filters": {"label": label_value, "as_text": as_text},
        "jinja_environment_kwargs": {
            "extensions": ["jinja2.ext.do", _extension(pipeline.templates_allow), EscapeDollars],
            # Templates must not read files. Airflow's default loader would offer the folder of DAGs.
            "loader": None,
        },
    }


def _output(pipeline: model.Pipeline) -> OutputFunction:
    mapped = frozenset(job.name for job in pipeline.jobs if job.for_each or job.mapped_group)
    groups = {job.name: job.mapped_group for job in pipeline.jobs if job.mapped_group} if pipeline.groups else {}
    return OutputFunction(pipeline.cells, mapped, GroupItems(groups, pipeline.groups))
