"""Template files (``*.yaml.j2``): inputs with JSON Schemas, and a text that is rendered as a whole.

The first ``---`` line separates two parts: YAML with ``version``, ``description`` and ``inputs``, and the text, whose
``${{ }}`` and ``${% %}`` are computed with the values of the caller.
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
from dag_factory.config.expressions.data import LimitExceeded
from dag_factory.config.expressions.sandbox import Sandbox
from dag_factory.config.positions import KeyPath, Position
from dag_factory.config.problems import Problem, errors, limit_problems
from dag_factory.config.schema.validate import prune, validate
from dag_factory.config.source import migrations, yaml_reader
from dag_factory.config.source.files import text_of
from dag_factory.config.templates.inputs import Schema, read_input_schema, validate_inputs
from dag_factory.config.templates.yaml_quoting import YamlText, quote, strip_line_numbers
from dag_factory.config.tree import MapNode, Node, Scalar, count_values, key_position, map_node, with_positions
from dag_factory.settings import BOUNDS

SUFFIX = ".yaml.j2"
_CHARACTERS_PER_STEP, _STEPS_PER_VALUE = 40, 6  # to read a rendered text
_SCHEMA = "template.schema.json"
_TEXT_SCHEMAS = {"jobs": ("job.schema.json", "/$defs/job"), "pipelines": ("pipeline.schema.json", "/$defs/overlay")}
_CALL_KEYS = {"jobs": "uses", "pipelines": "template"}
"""The key of each kind that calls a template."""


class Template(msgspec.Struct, frozen=True):
    """One version of a template. ``schema`` is the JSON Schema of the object of its inputs."""

    name: str
    file: str
    description: str = ""
    schema: Schema = {}
    text: str = ""
    problems: tuple[Problem, ...] = ()
    version: int = migrations.CURRENT  # of the language of its text

    @property
    def inputs(self) -> dict[str, Any]:
        """The JSON Schema of each input."""
        properties: dict[str, Any] = self.schema.get("properties", {})
        return properties

    @property
    def required(self) -> frozenset[str]:
        """The inputs that every call must set."""
        return frozenset(self.schema.get("required", ()))


def read_template(data: bytes | Problem, file: str, name: str) -> Template:
    """Read a template and check what does not depend on a caller. Errors in the file are problems, never exceptions."""
    text = data if isinstance(data, Problem) else text_of(data, file)
    if isinstance(text, Problem):
        return _broken(name, file, text)
    head, has_separator, body = _split(text)
    if not has_separator:
        message = "the template has no `---` line"
        hint = "write `version`, `description` and `inputs`, then a line `---`, then the text of the template"
        return _broken(name, file, Problem(file, 1, 1, "bad-template-file", message, hint=hint))
    node, problems = yaml_reader.read(head, file)
    found = list(problems)
    if not isinstance(node, MapNode):
        if not found:
            message, hint = "the part before `---` must contain `version: 1`", "add it, with `description` and `inputs`"
            found.append(Problem(file, 1, 1, "bad-template-file", message, hint=hint))
        return _broken(name, file, *found)
    version = migrations.version_of(node)
    current, about_version = migrations.migrate(node, _SCHEMA)
    found += about_version
    if current is None:
        return _broken(name, file, *found)
    node = current
    found += [problem for _, problem in validate(node, _SCHEMA)]
    schema, mismatches = read_input_schema(node.get("inputs"))
    found += mismatches
    try:
        compile_time.as_template_errors(lambda: _compiled(_align(head, body)))
    except jinja2.TemplateSyntaxError as failure:
        found.append(_syntax_problem(failure, file))
    except jinja2.TemplateError as failure:
        message, hint = f"not valid Jinja: {failure.message}", "use fewer nested levels"
        found.append(Problem.at(Position(file), (), "bad-template-file", message, hint))
    described = node.get("description")
    description = described.text if isinstance(described, Scalar) else ""
    return Template(name, file, description, schema, _align(head, body), tuple(found), version)


def render(
    template: Template, kind: str, given: Node | None, caller: Position, context: Context, path: KeyPath
) -> tuple[MapNode | None, list[Problem]]:
    """The text of a template with the values of the caller, as a tree whose positions name template and caller.

    ``given`` is the computed ``with`` of the caller, ``path`` the path of the call. A template with errors gives no
    tree and one problem at the caller.
    """
    if errors(template.problems):
        message = f"the template `{template.name}` has errors"
        return None, [Problem.at(caller, path, "broken-template", message, f"fix the errors in {template.file}")]
    inputs, problems = validate_inputs(template.name, template.schema, given, caller, (*path[:-1], "with"))
    if problems:
        return None, problems
    try:
        numbered = compile_time.as_template_errors(lambda: _render_text(template.text, {**context, "inputs": inputs}))
    except jinja2.TemplateError as failure:
        line = Position(template.file, compile_time.error_line(failure), 1, caller)
        return None, [Problem.at(line, path, *compile_time.describe_error(failure, {**context, "inputs": inputs}))]
    text, lines = strip_line_numbers(numbered)
    node, found = yaml_reader.read(text, template.file)
    if not budget.spend_steps(len(text) // _CHARACTERS_PER_STEP + _STEPS_PER_VALUE * count_values(node)):
        limit = BOUNDS.expression_steps
        message = f"the templates of this file render too much text; reading it takes more than {limit:,} steps"
        hint = "split the file, or shorten the template"
        return None, [Problem.at(caller, path, "too-many-values", message, hint)]

    def in_template(position: Position) -> Position:
        return Position(
            template.file, lines[min(position.line, len(lines)) - 1] if position.line else 0, position.column, caller
        )

    problems = [_move(problem, in_template) for problem in found]
    if node is None or not isinstance(node, MapNode):
        if node is None and not problems:
            return map_node({}, {}, Position(template.file, 1, 1, caller)), []
        if not problems:
            message = "the text of the template must render to keys and values"
            hint = "write the keys of a pipeline or of a job, such as `command: [train]`"
            problems = [
                Problem.at(
                    in_template(node.position if node else Position("", 1, 1)), path, "bad-template-file", message, hint
                )
            ]
        return None, problems
    text_tree = with_positions(node, in_template)
    assert isinstance(text_tree, MapNode)
    migrated = migrations.migrate_tree(text_tree, _TEXT_SCHEMAS[kind][0], template.version)
    calls = key_position(migrated, _CALL_KEYS[kind])
    if calls:
        message = f"the template `{template.name}` calls another template, which is not supported"
        hint = "copy the keys of that template into this one"
        return None, [*problems, Problem.at(calls, path, "bad-template-file", message, hint)]
    mismatches = validate(migrated, *_TEXT_SCHEMAS[kind], path=path[:-1])
    reported, more = limit_problems([problem for _, problem in mismatches])
    problems += reported
    if more:
        return None, problems
    pruned = prune(migrated, [where for where, _ in mismatches])
    return (pruned if isinstance(pruned, MapNode) else None), problems


def _render_text(text: str, context: Context) -> str:
    """The rendered text; rendering stops as soon as the text exceeds the limit of a file."""
    sandbox().begin(text)
    parts: list[str] = []
    size = 0
    for part in _compiled(text).generate(context):
        parts.append(part)
        size += len(part)
        if size > BOUNDS.file_bytes:
            raise LimitExceeded(f"the rendered text exceeds the limit of {BOUNDS.file_bytes:,} characters")
    return "".join(parts)


def _split(text: str) -> tuple[str, bool, str]:
    lines = text.split("\n")
    for index, line in enumerate(lines):
        if line.rstrip() == "---" and index:
            return "\n".join(lines[:index]) + "\n", True, "\n".join(lines[index + 1 :])
    return text, False, ""


def _align(head: str, body: str) -> str:
    """The body after empty lines, so that its line numbers are those of the file."""
    return "\n" * (head.count("\n") + 1) + body


class _TextSandbox(Sandbox):
    """Quotes each value for its context in the YAML text."""

    def __init__(self) -> None:
        super().__init__(BOUNDS.file_bytes)
        self.add_extension(YamlText)
        self.filters["_yaml"] = self._yaml
        self.finalize = None

    def _yaml(self, value: Any, context: str, indent: int) -> str:
        if isinstance(value, jinja2.Undefined):
            value = str(value)  # raises an error with the name that is undefined
        return self.counted_text(quote(value, context, indent))


@lru_cache(1)
def sandbox() -> Sandbox:
    """The sandbox that renders the texts of templates, made for the first call."""
    return _TextSandbox()


@lru_cache(512)
def _compiled(text: str) -> jinja2.Template:
    return sandbox().from_string(text)


def _syntax_problem(failure: jinja2.TemplateSyntaxError, file: str) -> Problem:
    hint = "use the delimiters ${{ }}, ${% %} and ${{# #}}"
    message = failure.message or "not valid Jinja"
    return Problem.at(Position(file, failure.lineno, 1), (), "bad-expression", message, hint)


def _move(problem: Problem, in_template: Callable[[Position], Position]) -> Problem:
    position = in_template(Position(problem.file, problem.line, problem.column))
    return Problem.at(position, (), problem.code, problem.message, problem.hint)


def _broken(name: str, file: str, *problems: Problem) -> Template:
    return Template(name, file, problems=problems)
