"""``{{ }}``: what Airflow renders when a task runs. Checked now, so that nobody learns of it at night.

Only some places are rendered; what may stand in them is Airflow's context, this pipeline's params, and
two words of the factory's own: ``output('job')`` and ``run_date``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Set
from collections.abc import Mapping as MappingT
from functools import lru_cache
from typing import Any

import jinja2
import msgspec
from jinja2 import meta, nodes

from dag_factory.config.later import COMMENT_MARKS
from dag_factory.config.places import Path
from dag_factory.config.problems import Problem
from dag_factory.config.shapes import Shape
from dag_factory.config.tree import Mapping, Node, Scalar
from dag_factory.config.wording import did_you_mean

OWN_NAMES = ("output", "run_date")
AIRFLOW_NAMES = (
    "asset_state_store conn dag dag_run data_interval_end data_interval_start ds ds_nodash exception "
    "expanded_ti_count inlet_events inlets logical_date macros map_index_template outlet_events outlets params "
    "partition_date partition_key prev_data_interval_end_success prev_data_interval_start_success "
    "prev_end_date_success prev_start_date_success reason run_id task task_instance task_instance_key_str "
    "task_reschedule_count task_state_store templates_dict test_mode ti triggering_asset_events try_number ts "
    "ts_nodash ts_nodash_with_tz var"
).split()
AIRFLOW_FILTERS = "ds ds_nodash ts ts_nodash ts_nodash_with_tz".split()
_DATED_NAMES = frozenset(
    "data_interval_end data_interval_start ds ds_nodash logical_date prev_data_interval_end_success "
    "prev_data_interval_start_success ts ts_nodash ts_nodash_with_tz".split()
)
"""What Airflow knows only in a run with a logical date, which one that an asset started has not."""

_READS_AIRFLOW = {"conn": "connections", "var": "variables"}
_SECRET_HINT = "read a secret from the cluster: `env: {NAME: {secret: name/key}}`"


class Scope(msgspec.Struct, frozen=True):
    """What a job's templates may speak of.

    ``upstream`` are the tasks that end before it starts; ``jobs`` has for each name the tasks that it stands
    for, which are several for a job with a matrix.
    """

    job: str
    upstream: Callable[[], Set[str]]
    jobs: MappingT[str, tuple[str, ...]]
    with_output: frozenset[str]
    params: frozenset[str]
    dateless: bool = False  # assets start the pipeline's runs
    reads: frozenset[str] = frozenset()  # of Airflow's `conn` and `var`, what the environment allows


class _Parsed(msgspec.Struct, frozen=True):
    names: tuple[tuple[str, int], ...]  # what the context must know, line
    filters: tuple[tuple[str, int], ...]
    outputs: tuple[tuple[str | None, int], ...]  # argument of output(), line
    params: tuple[tuple[str, int], ...]
    failure: tuple[str, int] | None = None  # what Jinja says, line


def check(node: Node, shape: Shape, scope: Scope | None, path: Path) -> Iterator[Problem]:
    """What is wrong with the templates below a node. ``scope`` None: nothing here is rendered."""
    if not _has_template(node):  # most have none
        return
    if isinstance(node, Scalar):
        if scope is None or not shape.templated:
            yield _nothing_renders(node, path)
        else:
            yield from _check_text(node, scope, path)
    elif isinstance(node, Mapping):
        for key, item in node.entries.items():
            if "{{" in key:
                yield _nothing_renders(Scalar(key, key, node.keys.get(key, node.mark)), (*path, key))
            yield from check(item, shape.child(key), scope, (*path, key))
    else:
        for index, item in enumerate(node.items):
            yield from check(item, shape.items, scope, (*path, index))


def _has_template(node: Node) -> bool:
    if isinstance(node, Scalar):
        # An expression that is left has failed, which is told already.
        return isinstance(node.value, str) and not node.dynamic and ("{{" in node.text or "{%" in node.text)
    if isinstance(node, Mapping):
        return any(map(_has_template, node.entries.values())) or any("{{" in key for key in node.entries)
    return any(map(_has_template, node.items))


def _nothing_renders(node: Scalar, path: Path) -> Problem:
    message = "`{{ }}` stands where nothing renders it"
    hint = "use `${{ }}` for what is known when the file is read; `{{ }}` works in command, args, script, env"
    return Problem.at(node.mark, path, "unrendered-template", message, hint)


def _check_text(node: Scalar, scope: Scope, path: Path) -> Iterator[Problem]:
    parsed = _parse(node.text)

    def problem(line: int, code: str, message: str, hint: str = "") -> Problem:
        return Problem.at(node.line(line), path, code, message, hint)

    if parsed.failure:
        message, line = parsed.failure
        yield problem(line, "bad-template", f"not readable as Jinja: {message}", "see `{{ }}` in this text")
        return
    for name, line in parsed.names:
        if name in scope.reads:
            continue
        if name in _READS_AIRFLOW:
            message = f"`{{{{ {name} }}}}` would read Airflow's {_READS_AIRFLOW[name]} into the pod"
            hint = f"{_SECRET_HINT}; an environment allows it by `templating: {{allow: [{name}]}}`"
            yield problem(line, "forbidden-template", message, hint)
        elif name not in AIRFLOW_NAMES and name not in OWN_NAMES:
            hint = did_you_mean(name, [*AIRFLOW_NAMES, *OWN_NAMES])
            yield problem(line, "undefined-name", f"Airflow knows no `{name}` in a template", hint)
        elif name in _DATED_NAMES and scope.dateless:
            message = f"`{{{{ {name} }}}}` is not defined in a run that an asset started: it has no date"
            hint = "`{{ run_date }}` always is: the day of the run"
            yield Problem.at(node.line(line), path, "dateless-run", message, hint, "warning")
    for name, line in parsed.filters:
        if name not in _JINJA.filters:
            hint = did_you_mean(name, _JINJA.filters)
            yield problem(line, "unknown-filter", f"Airflow knows no filter `{name}` in a template", hint)
    for param, line in parsed.params:
        if param not in scope.params:
            hint = did_you_mean(param, scope.params) or "declare it under `params`"
            yield problem(line, "unknown-param", f"the pipeline has no param `{param}`", hint)
    for job, line in parsed.outputs:
        yield from (problem(line, *words) for words in _output(job, scope))


def _output(job: str | None, scope: Scope) -> Iterator[tuple[str, str, str]]:
    if job is None:
        yield "bad-template", "`output()` takes one job's name, in quotes", "as `{{ output('extract').rows }}`"
    elif job not in scope.jobs:
        yield "unknown-job", f"unknown job `{job}`", did_you_mean(job, scope.upstream() or scope.jobs)
    elif job == scope.job or not set(scope.jobs[job]) <= scope.upstream():
        hint = f"add `{job}` to `depends_on`" if job != scope.job else "a job cannot read its own output"
        yield "not-upstream", f"the job `{scope.job}` does not wait for `{job}`, whose output it reads", hint
    elif not scope.with_output >= set(scope.jobs[job]):
        yield "no-output", f"the job `{job}` has no output", f"add `output: json` to the job `{job}`"


_JINJA = jinja2.Environment(
    comment_start_string=COMMENT_MARKS[0],
    comment_end_string=COMMENT_MARKS[1],
    extensions=["jinja2.ext.do"],
)


_JINJA.filters.update(dict.fromkeys(AIRFLOW_FILTERS, str))


class _Names(meta.TrackingCodeGenerator):
    """Finds the names that a template needs, and computes nothing: `{{ 9 ** 9 ** 9 }}` is a constant to Jinja."""

    def __init__(self, environment: jinja2.Environment) -> None:
        super().__init__(environment)
        self.optimizer = None

    def _output_child_to_const(self, *_: Any) -> str:
        raise nodes.Impossible


@lru_cache(4096)
def _parse(text: str) -> _Parsed:
    try:
        tree = _JINJA.parse(text)
        filters = tuple(dict.fromkeys((node.name, node.lineno) for node in tree.find_all(nodes.Filter)))
        if any(name not in _JINJA.filters for name, _ in filters):
            return _Parsed((), filters, (), ())
        names_of = _Names(_JINJA)
        names_of.visit(tree)
        missing = names_of.undeclared_identifiers
    except jinja2.TemplateSyntaxError as failure:
        return _Parsed((), (), (), (), (failure.message or "syntax error", failure.lineno))
    except RecursionError:
        return _Parsed((), (), (), (), ("nested too deep", 1))
    except Exception as failure:
        return _Parsed((), (), (), (), (str(failure) or type(failure).__name__, 1))
    reads_file = next(tree.find_all((nodes.Include, nodes.Import, nodes.FromImport, nodes.Extends)), None)
    if reads_file:
        return _Parsed((), (), (), (), ("a template here reads no other file", reads_file.lineno))
    lines: dict[str, int] = {}
    for name in tree.find_all(nodes.Name):
        if name.name in missing:
            lines.setdefault(name.name, name.lineno)
    names = tuple(sorted(lines.items()))
    outputs = tuple(
        (_literal(call), call.lineno)
        for call in tree.find_all(nodes.Call)
        if isinstance(call.node, nodes.Name) and call.node.name == "output"
    )
    params = tuple(_params(tree))
    return _Parsed(names, filters, outputs, params)


def _literal(call: nodes.Call) -> str | None:
    if len(call.args) == 1 and not call.kwargs and isinstance(call.args[0], nodes.Const):
        return str(call.args[0].value)
    return None


def _params(tree: nodes.Template) -> Iterator[tuple[str, int]]:
    for attribute in tree.find_all(nodes.Getattr):
        if _is_params(attribute.node) and attribute.attr not in ("get", "items", "keys", "values", "dump"):
            yield attribute.attr, attribute.lineno
    for item in tree.find_all(nodes.Getitem):
        if _is_params(item.node) and isinstance(item.arg, nodes.Const):
            yield str(item.arg.value), item.lineno


def _is_params(node: nodes.Node) -> bool:
    return isinstance(node, nodes.Name) and node.name == "params"
