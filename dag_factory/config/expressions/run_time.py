"""``{{ }}``: templates that Airflow renders when a task runs. They are checked when the file is read.

Only some places are rendered. ``run_time_names`` lists the allowed names, and ``run_time_rules`` checks them. This
module checks templates against the pipeline: its params, the upstream jobs and their outputs, and the environment.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Set
from collections.abc import Mapping as MappingT
from functools import lru_cache

import jinja2
import msgspec
from jinja2 import nodes

from dag_factory.config import budget
from dag_factory.config.expressions import run_time_names as names
from dag_factory.config.expressions import run_time_rules
from dag_factory.config.expressions.dollar_signs import has_template
from dag_factory.config.expressions.escaping import COMMENT_MARKS
from dag_factory.config.positions import KeyPath
from dag_factory.config.problem_codes.code import Code
from dag_factory.config.problems import Problem
from dag_factory.config.schema.annotations import Shape
from dag_factory.config.suggestions import did_you_mean
from dag_factory.config.tree import MapNode, Node, Scalar, list_node, map_node
from dag_factory.settings import BOUNDS

LITERAL = "to keep braces as they are, write `{% raw %}...{% endraw %}` around them"
_RAW = re.compile(r"\{%[-+]?\s*raw\b")
_TAGS = re.compile(r"\{[{%].*?[%}]\}", re.DOTALL)


class Scope(msgspec.Struct, frozen=True):
    """What the templates of a job can refer to.

    ``upstream`` are the tasks that end before the job starts. ``jobs`` maps each job name to its tasks; a job with a
    matrix has several.
    """

    job: str
    upstream: Callable[[], Set[str]]
    jobs: MappingT[str, tuple[str, ...]]
    with_output: frozenset[str]
    params: frozenset[str]
    dateless: bool = False  # runs have no logical date, because assets or people start them
    reads: frozenset[str] = frozenset()  # names that the environment allows in addition
    item: bool = False  # the job, or its group, runs for each item of a list


class _Parsed(msgspec.Struct, frozen=True):
    uses: tuple[run_time_rules.Use, ...] = ()
    violations: tuple[run_time_rules.Violation, ...] = ()
    outputs: tuple[tuple[str | None, int], ...] = ()  # argument of output(), line
    params: tuple[tuple[str, int], ...] = ()
    literal: str | None = None  # the rendered text, if the text has no expressions
    failure: tuple[str, int] | None = None  # message of Jinja, line


def check(node: Node, shape: Shape, scope: Scope | None, path: KeyPath) -> Iterator[Problem]:
    """The problems of the templates below a node. With ``scope`` None, nothing is rendered here."""
    if not _has_template(node):  # most nodes have none
        return
    if isinstance(node, Scalar):
        if scope is not None and shape.templated:
            yield from _check_text(node, scope, path)
        elif not (_allows_raw(path) and _literal(node.text) is not None):
            yield _unrendered(node, path)
    elif isinstance(node, MapNode):
        for key, item in node.entries.items():
            if "{{" in key:
                yield _unrendered(Scalar(key, key, node.keys.get(key, node.position)), (*path, key))
            yield from check(item, shape.child(key), scope, (*path, key))
    else:
        for index, item in enumerate(node.items):
            yield from check(item, shape.items, scope, (*path, index))


def remove_raw_tags(node: Node) -> Node:
    """The node of a place that is not rendered, without the ``{% raw %}`` tags around literal braces."""
    if not _has_template(node):
        return node
    if isinstance(node, Scalar):
        text = _literal(node.text)
        return node if text is None else msgspec.structs.replace(node, value=text, text=text)
    if isinstance(node, MapNode):
        return remove_raw_tags_in_map(node)
    return list_node(tuple(map(remove_raw_tags, node.items)), node.position)


def remove_raw_tags_in_map(node: MapNode) -> MapNode:
    """Do the same for a map."""
    if not _has_template(node):
        return node
    return map_node({key: remove_raw_tags(item) for key, item in node.entries.items()}, node.keys, node.position)


def outputs_read(text: str) -> frozenset[str]:
    """The jobs whose outputs the templates of a text read."""
    return frozenset(job for job, _ in _parse(text).outputs if job is not None) if has_template(text) else frozenset()


def _allows_raw(path: KeyPath) -> bool:
    """Whether the compiler removes ``{% raw %}`` tags there: in keys of the pipeline, and in some keys of a job."""
    return path[0] != "jobs" or (len(path) > 2 and path[2] in ("for_each", "doc"))


def _literal(text: str) -> str | None:
    return _parse(text).literal if _RAW.search(text) else None


def _has_template(node: Node) -> bool:
    if isinstance(node, Scalar):
        # An expression that is still there has failed, and its problem is reported already.
        return isinstance(node.value, str) and not node.dynamic and has_template(node.text)
    if isinstance(node, MapNode):
        return any(map(_has_template, node.entries.values())) or any("{{" in key for key in node.entries)
    return any(map(_has_template, node.items))


def _unrendered(node: Scalar, path: KeyPath) -> Problem:
    message = "`{{ }}` is not rendered here"
    parse_time = next((use for use in _parse(node.text).uses if use.path.split(".")[0] in names.PARSE_TIME), None)
    hint = "use `${{ }}` for values that are known when the file is read; `{{ }}` works in command, args, script, env"
    if parse_time:
        hint = f"write `${{{{ {parse_time.path} }}}}` with a dollar sign; it is known when the file is read"
    elif _allows_raw(path):
        hint = f"{hint}; {LITERAL}"
    return Problem.at(node.position, path, "unrendered-template", message, hint)


def _check_text(node: Scalar, scope: Scope, path: KeyPath) -> Iterator[Problem]:
    if budget.is_new(node.text) and not budget.spend_steps(_steps(node.text)):
        message = f"checking the templates of this file takes more than {BOUNDS.expression_steps:,} steps"
        yield Problem.at(node.position, path, "bad-template", message, "split the file; the same template counts once")
        return
    parsed = _parse(node.text)

    def problem(line: int, code: Code, message: str, hint: str = "") -> Problem:
        return Problem.at(node.line(line), path, code, message, hint)

    if parsed.failure:
        message, line = parsed.failure
        hint = f"correct the template; {LITERAL}"
        yield problem(line, "bad-template", f"not valid Jinja: {message[:1].lower()}{message[1:].rstrip('.')}", hint)
        return
    for violation in parsed.violations:
        yield problem(violation.line, *violation.description)
    reported: set[tuple[str, str]] = set()
    for use in parsed.uses:
        root = use.path.split(".")[0]
        words = run_time_rules.check_use(use, scope.reads)
        if root == "item" and not scope.item:
            message = "`{{ item }}` is defined only in a job that runs for each item of a list"
            words = "undefined-name", message, "add `for_each` to the job or to its group"
        if words and words[:2] not in reported:
            reported.add(words[:2])
            code, message, hint = words
            lists_names = code == "undefined-name" and hint.startswith("use one of:")
            yield problem(use.line, code, message, f"{hint}; {LITERAL}" if lists_names else hint)
        elif root in names.WITHOUT_DATE and scope.dateless and (root, "") not in reported:
            reported.add((root, ""))
            message = (
                f"`{{{{ {root} }}}}` is not defined in a run that an asset or a request starts: it has no logical date"
            )
            hint = "use `{{ run_date }}` or `{{ ds }}`, the day of the run; they are always defined"
            yield Problem.at(node.line(use.line), path, "dateless-run", message, hint, "warning")
    for param, line in parsed.params:
        if param not in scope.params:
            hint = did_you_mean(param, scope.params) or "declare it under `params`"
            yield problem(line, "unknown-param", f"the pipeline has no param `{param}`", hint)
    for job, line in parsed.outputs:
        yield from (problem(line, *words) for words in _check_output(job, scope))


def _steps(text: str) -> int:
    """The number of steps to read a text with templates. The text inside the tags takes longest."""
    return 150 + 25 * sum(len(tag) for tag in _TAGS.findall(text)) + len(text) // 40


def _check_output(job: str | None, scope: Scope) -> Iterator[tuple[Code, str, str]]:
    if job is None:
        yield (
            "bad-template",
            "`output()` needs the name of one job, in quotes",
            "write `output('extract').rows`, or `output('extract', default=none)`",
        )
    elif job not in scope.jobs:
        yield "unknown-job", f"unknown job `{job}`", did_you_mean(job, scope.upstream() or scope.jobs)
    elif job == scope.job:
        yield "not-upstream", f"the job `{job}` reads its own output", "read the output in a later job"
    elif not set(scope.jobs[job]) <= scope.upstream():
        hint = f"add `{job}` to `depends_on`"
        yield "not-upstream", f"the job `{scope.job}` reads the output of `{job}`, but does not wait for it", hint
    elif not scope.with_output >= set(scope.jobs[job]):
        yield "no-output", f"the job `{job}` has no output", f"add `output: json` to the job `{job}`"


_JINJA = jinja2.Environment(
    comment_start_string=COMMENT_MARKS[0],
    comment_end_string=COMMENT_MARKS[1],
    keep_trailing_newline=True,
    extensions=["jinja2.ext.do"],
)
_JINJA.globals.clear()  # here they are names like all others
_JINJA.filters.update(dict.fromkeys(names.AIRFLOW_FILTERS, str))


@lru_cache(4096)
def _parse(text: str) -> _Parsed:
    try:
        tree = _JINJA.parse(text)
        uses = run_time_rules.find_uses(tree, _JINJA)
    except jinja2.TemplateSyntaxError as failure:
        return _Parsed(failure=(failure.message or "syntax error", failure.lineno))
    except RecursionError:
        return _Parsed(failure=("nested too deeply", 1))
    except Exception as failure:
        return _Parsed(failure=(str(failure) or type(failure).__name__, 1))
    outputs = tuple(
        (_output_argument(call), call.lineno)
        for call in tree.find_all(nodes.Call)
        if isinstance(call.node, nodes.Name) and call.node.name == "output"
    )
    parts = [one for node in tree.body for one in (node.nodes if isinstance(node, nodes.Output) else [node])]
    literal = (
        "".join(part.data for part in parts if isinstance(part, nodes.TemplateData))
        if all(isinstance(part, nodes.TemplateData) for part in parts)
        else None
    )
    return _Parsed(uses.names, uses.violations, outputs, tuple(_find_params(tree, uses)), literal)


def _output_argument(call: nodes.Call) -> str | None:
    """The job in ``output('job')``, or None if the call does not name it as a constant."""
    named = len(call.args) == 1 and isinstance(call.args[0], nodes.Const)
    plain = call.dyn_args is None and call.dyn_kwargs is None
    if named and plain and all(one.key == "default" for one in call.kwargs):
        return str(call.args[0].value)  # type: ignore[attr-defined]
    return None


def _find_params(tree: nodes.Template, uses: run_time_rules.Uses) -> Iterator[tuple[str, int]]:
    for use in uses.names:
        root, *steps = use.path.split(".")
        if root == "params" and steps and not (use.called and len(steps) == 1):
            yield steps[0], use.line
    for item in tree.find_all(nodes.Getitem):
        named = isinstance(item.node, nodes.Name) and item.node.name == "params" and isinstance(item.arg, nodes.Const)
        if named and not str(item.arg.value).isidentifier():  # type: ignore[attr-defined]
            yield str(item.arg.value), item.lineno  # type: ignore[attr-defined]
