"""Template files (``*.yaml.j2``): inputs described by JSON Schema, and a text rendered whole.

The file has two parts, divided at the first ``---`` line: YAML with ``version``, ``description`` and
``inputs``; then the text, in which the ``$`` marks are computed with the caller's values.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import jinja2
import msgspec

from dag_factory.config import budget
from dag_factory.config.expressions import compile_time
from dag_factory.config.expressions.compile_time import Context
from dag_factory.config.expressions.sandbox import LimitExceeded, Sandbox
from dag_factory.config.positions import KeyPath, Position
from dag_factory.config.problems import Problem, errors, limit_problems
from dag_factory.config.schema.validate import prune, validate
from dag_factory.config.source import migrations, yaml_reader
from dag_factory.config.source.files import text_of
from dag_factory.config.templates.inputs import Schema, given_inputs, read_inputs
from dag_factory.config.templates.yaml_quoting import YamlText, unnumbered, written
from dag_factory.config.tree import MapNode, Node, Scalar, count_values, key_position, map_node, with_positions
from dag_factory.settings import BOUNDS

SUFFIX = ".yaml.j2"
_CHARACTERS, _VALUE = 40, 6  # of a rendered text: characters that are read in one step, and steps to read one value
_SCHEMA = "template.schema.json"
_TEXT = {"jobs": ("job.schema.json", "/$defs/job"), "pipelines": ("pipeline.schema.json", "/$defs/overlay")}
_CALLS = {"jobs": "uses", "pipelines": "template"}
"""What the rendered text of each kind of template must be."""


class Template(msgspec.Struct, frozen=True):
    """One version of a template. ``schema`` is the JSON Schema of the map of its inputs."""

    name: str
    file: str
    description: str = ""
    schema: Schema = {}
    text: str = ""
    problems: tuple[Problem, ...] = ()
    version: int = migrations.CURRENT  # of the language that its text is written in

    @property
    def inputs(self) -> dict[str, Any]:
        """Each input's own JSON Schema."""
        properties: dict[str, Any] = self.schema.get("properties", {})
        return properties

    @property
    def required(self) -> frozenset[str]:
        """The inputs that every call must give."""
        return frozenset(self.schema.get("required", ()))


def read_template(data: bytes | Problem, file: str, name: str) -> Template:
    """A template of a file's bytes, and what can be checked without a caller. Never raises for what stands in it."""
    text = data if isinstance(data, Problem) else text_of(data, file)
    if isinstance(text, Problem):
        return _broken(name, file, text)
    head, divided, body = _divide(text)
    if not divided:
        message = "the template has no `---` line"
        hint = "first `version`, `description` and `inputs`, then a line `---`, then the template's text"
        return _broken(name, file, Problem(file, 1, 1, "bad-template-file", message, hint=hint))
    node, problems = yaml_reader.read(head, file)
    found = list(problems)
    if not isinstance(node, MapNode):
        if not found:
            message, hint = "the part before `---` must hold `version: 1`", "add it, with `description` and `inputs`"
            found.append(Problem(file, 1, 1, "bad-template-file", message, hint=hint))
        return _broken(name, file, *found)
    version = migrations.version_of(node)
    current, about_version = migrations.migrate(node, _SCHEMA)
    found += about_version
    if current is None:
        return _broken(name, file, *found)
    node = current
    found += [problem for _, problem in validate(node, _SCHEMA)]
    schema, wrong = read_inputs(node.get("inputs"))
    found += wrong
    try:
        compile_time.as_template_errors(lambda: _compiled(_aligned(head, body)))
    except jinja2.TemplateSyntaxError as failure:
        found.append(_syntax_problem(failure, file))
    except jinja2.TemplateError as failure:
        message, hint = f"not readable as Jinja: {failure.message}", "write it with fewer levels"
        found.append(Problem.at(Position(file), (), "bad-template-file", message, hint))
    described = node.get("description")
    description = described.text if isinstance(described, Scalar) else ""
    return Template(name, file, description, schema, _aligned(head, body), tuple(found), version)


def render(
    template: Template, kind: str, given: Node | None, caller: Position, context: Context, path: KeyPath
) -> tuple[MapNode | None, list[Problem]]:
    """The template's text with the caller's values, as a tree whose places name template and caller.

    ``given`` is the caller's ``with``, computed; ``path`` is where that stands. A template that has
    problems of its own gives no tree and one problem at the caller.
    """
    if errors(template.problems):
        message = f"the template `{template.name}` has a problem of its own"
        return None, [Problem.at(caller, path, "broken-template", message, f"see the problems of {template.file}")]
    inputs, problems = given_inputs(template.name, template.schema, given, caller, (*path[:-1], "with"))
    if problems:
        return None, problems
    try:
        numbered = compile_time.as_template_errors(lambda: _rendered(template.text, {**context, "inputs": inputs}))
    except jinja2.TemplateError as failure:
        line = Position(template.file, compile_time.error_line(failure), 1, caller)
        return None, [Problem.at(line, path, *compile_time.describe_error(failure, {**context, "inputs": inputs}))]
    text, lines = unnumbered(numbered)
    node, found = yaml_reader.read(text, template.file)
    if not budget.spend_steps(len(text) // _CHARACTERS + _VALUE * count_values(node)):
        message = f"the templates of this file give more text than {BOUNDS.expression_steps:,} steps can read"
        hint = "divide the file, or make the template shorter"
        return None, [Problem.at(caller, path, "too-many-values", message, hint)]

    def place(position: Position) -> Position:
        return Position(
            template.file, lines[min(position.line, len(lines)) - 1] if position.line else 0, position.column, caller
        )

    problems = [_moved(problem, place) for problem in found]
    if node is None or not isinstance(node, MapNode):
        if node is None and not problems:
            return map_node({}, {}, Position(template.file, 1, 1, caller)), []
        if not problems:
            message = "the template's text must give keys and values"
            hint = "write it as a pipeline's or a job's keys, such as `command: [train]`"
            problems = [
                Problem.at(
                    place(node.position if node else Position("", 1, 1)), path, "bad-template-file", message, hint
                )
            ]
        return None, problems
    text_tree = with_positions(node, place)
    assert isinstance(text_tree, MapNode)
    placed = migrations.migrate_tree(text_tree, _TEXT[kind][0], template.version)
    calls = key_position(placed, _CALLS[kind])
    if calls:
        message = f"the template `{template.name}` calls a template itself, which is not read"
        hint = "write what that template gives into this one"
        return None, [*problems, Problem.at(calls, path, "bad-template-file", message, hint)]
    wrong = validate(placed, *_TEXT[kind], path=path[:-1])
    told, more = limit_problems([problem for _, problem in wrong])
    problems += told
    if more:
        return None, problems
    pruned = prune(placed, [where for where, _ in wrong])
    return (pruned if isinstance(pruned, MapNode) else None), problems


def _rendered(text: str, context: Context) -> str:
    """The whole text, given up as soon as it is longer than a file may be."""
    texts().begin(text)
    parts: list[str] = []
    size = 0
    for part in _compiled(text).generate(context):
        parts.append(part)
        size += len(part)
        if size > BOUNDS.file_bytes:
            raise LimitExceeded(f"the rendered text is longer than {BOUNDS.file_bytes:,} characters")
    return "".join(parts)


def _divide(text: str) -> tuple[str, bool, str]:
    lines = text.split("\n")
    for index, line in enumerate(lines):
        if line.rstrip() == "---" and index:
            return "\n".join(lines[:index]) + "\n", True, "\n".join(lines[index + 1 :])
    return text, False, ""


def _aligned(head: str, body: str) -> str:
    """The body, with empty lines before it so that its lines count as in the file."""
    return "\n" * (head.count("\n") + 1) + body


class _Texts(Sandbox):
    """Writes each value as the place it stands in asks for."""

    def __init__(self) -> None:
        super().__init__(BOUNDS.file_bytes)
        self.add_extension(YamlText)
        self.filters["_yaml"] = self._yaml
        self.finalize = None

    def _yaml(self, value: Any, place: str, indent: int) -> str:
        if isinstance(value, jinja2.Undefined):
            value = str(value)  # strict: raises, and names what is missing
        return self.counted_text(written(value, place, indent))


@lru_cache(1)
def texts() -> Sandbox:
    """The sandbox in which whole template texts are rendered, made when the first template is called."""
    return _Texts()


@lru_cache(512)
def _compiled(text: str) -> jinja2.Template:
    return texts().from_string(text)


def _syntax_problem(failure: jinja2.TemplateSyntaxError, file: str) -> Problem:
    hint = "the marks here are ${{ }}, ${% %} and ${{# #}}"
    message = failure.message or "not readable as Jinja"
    return Problem.at(Position(file, failure.lineno, 1), (), "bad-expression", message, hint)


def _moved(problem: Problem, place: Callable[[Position], Position]) -> Problem:
    position = place(Position(problem.file, problem.line, problem.column))
    return Problem.at(position, (), problem.code, problem.message, problem.hint)


def _broken(name: str, file: str, *problems: Problem) -> Template:
    return Template(name, file, problems=problems)
