"""Check on Jinja's syntax tree what a template of a job does, before anything runs.

``find_uses`` finds the names of the context that a template uses, and what no template may do. ``check_use`` checks one
use against the allowed names and the names that the environment allows in addition.
"""

from __future__ import annotations

from collections.abc import Iterator, Set
from typing import Any

import jinja2
import msgspec
from jinja2 import meta, nodes

from dag_factory.config.expressions import run_time_names as names
from dag_factory.config.problem_codes.code import Code
from dag_factory.config.suggestions import did_you_mean

_STATEMENTS = frozenset(
    "Template Output TemplateData For If Assign AssignBlock FilterBlock With ExprStmt Scope".split()
)
_EXPRESSIONS = frozenset(
    "Add And Call Compare Concat CondExpr Const Dict Div Filter FloorDiv Getattr Getitem Keyword List Mod Mul Name Neg "
    "Not NSRef Operand Or Pair Pos Pow Slice Sub Test Tuple".split()
)
_FILE_STATEMENTS = frozenset("Extends FromImport Import Include".split())
_READS_ATTRIBUTES = frozenset("attr groupby map max min rejectattr selectattr sort sum unique".split())
_APPLIES_BY_NAME = {
    "map": ("filter", 0),
    "select": ("test", 0),
    "reject": ("test", 0),
    "selectattr": ("test", 1),
    "rejectattr": ("test", 1),
}
"""Filters that apply another filter or a test, with the index of the argument that names it."""
_HIDDEN = ("self", "super", "caller", "varargs", "kwargs")
"""Names that Jinja defines in some places."""

Description = tuple[Code, str, str]
"""Code, message, hint."""


class Use(msgspec.Struct, frozen=True):
    """One use of a name of the context. ``path`` is the dotted name, and ``called`` is whether it is called."""

    path: str
    called: bool
    line: int


class Violation(msgspec.Struct, frozen=True):
    """Something that no template may do."""

    description: Description
    line: int


class Uses(msgspec.Struct, frozen=True):
    """What a template uses of its context, and what it does that no template may do."""

    names: tuple[Use, ...]
    violations: tuple[Violation, ...]


class _Names(meta.TrackingCodeGenerator):
    """Finds the names that a template needs, without computing constants such as `{{ 9 ** 9 ** 9 }}`."""

    def __init__(self, environment: jinja2.Environment) -> None:
        super().__init__(environment)
        self.optimizer = None

    def _output_child_to_const(self, *_: Any) -> str:
        raise nodes.Impossible


def find_uses(tree: nodes.Template, environment: jinja2.Environment) -> Uses:
    """What the template uses. Raises ``jinja2.TemplateError`` if Jinja cannot compile the template."""
    walk = _Walk()
    for kind in (nodes.Filter, nodes.Test):
        for node in tree.find_all(kind):
            walk.check_filter(node)
    if not walk.violations:
        needed = _Names(environment)
        needed.visit(tree)
        stored = {node.name for node in tree.find_all(nodes.Name) if node.ctx != "load"}
        walk.context = needed.undeclared_identifiers | (set(_HIDDEN) - stored)
        walk.visit(tree)
    return Uses(tuple(dict.fromkeys(walk.names)), tuple(dict.fromkeys(walk.violations)))


def check(tree: nodes.Template, environment: jinja2.Environment, allow: Set[str]) -> Iterator[tuple[Description, int]]:
    """Everything in the template that is not allowed, with its line."""
    found = find_uses(tree, environment)
    for violation in found.violations:
        yield violation.description, violation.line
    for use in found.names:
        description = check_use(use, allow)
        if description:
            yield description, use.line


def check_use(use: Use, allow: Set[str]) -> Description | None:
    """The problem of the use of a name, or None."""
    path, parts = use.path, use.path.split(".")
    root, rest = parts[0], parts[1:]
    private = next((part for part in rest if part.startswith("__")), None)
    if private:
        return _private(private)
    if names.is_allowed(path, allow):
        return None
    for prefix in (".".join(parts[:end]) for end in (1, 2, 3)):
        if prefix in names.REPLACED:
            return "undefined-name", f"`{prefix}` does not exist in Airflow 3", names.REPLACED[prefix]
        if "." in prefix and prefix in names.INSTEAD:
            return _not_available(prefix, names.INSTEAD[prefix])
    if root in names.OBJECTS:
        return _object(root, rest, use.called)
    if root == "macros":
        return _macro(rest, use.called)
    if root in names.FUNCTIONS:
        known = use.called and not rest
        return None if known else _not_available(path, f"call it: `{root}(...)`", "is a function, not a value")
    if root in names.CONTEXT:
        return _data(path, rest, use.called)
    return _unknown(root, path)


def _unknown(root: str, path: str) -> Description:
    if root in names.SECRETS:
        message = f"`{{{{ {root} }}}}` would copy {names.SECRETS[root]} of Airflow into the pod"
        hint = f"{names.SECRET_HINT}; an environment can allow `{root}` with `templating: {{allow: [{root}]}}`"
        return "forbidden-template", message, hint
    if root in names.ALLOWABLE:
        return _not_available(
            root, f"ask the platform team to allow it in the environment: `templating: {{allow: [{root}]}}`"
        )
    if root in names.INSTEAD or root in _HIDDEN:
        return _not_available(root, names.INSTEAD.get(root, ""))
    if root in names.PARSE_TIME:
        hint = f"write `${{{{ {path} }}}}` with a dollar sign; it is known when the file is read"
        return "undefined-name", f"`{root}` is not defined when the job runs", hint
    hint = f"write `macros.{root}(...)`" if root in names.MACROS else did_you_mean(root, names.known())
    return "undefined-name", f"`{root}` is not defined in a template", hint


def _object(root: str, rest: list[str], called: bool) -> Description | None:
    known = names.OBJECTS[root]
    listed = ", ".join(f"`{root}.{name}`" for name in sorted(known))
    if not rest:
        return _not_available(root, f"use one of its values: {listed}", "is an object of Airflow, not a value")
    if rest[0] not in known:
        path = f"{root}.{rest[0]}"
        return _not_available(
            path, f"use one of: {listed}; an environment can allow more with `templating: {{allow: [{path}]}}`"
        )
    return _data(".".join((root, *rest)), rest[1:], called)


def _macro(rest: list[str], called: bool) -> Description | None:
    listed = ", ".join(f"`macros.{name}`" for name in sorted(names.MACROS))
    if not rest or rest[0] not in names.MACROS:
        path = ".".join(("macros", *rest[:2]))
        more = f"; an environment can allow more with `templating: {{allow: [{path}]}}`" if rest else ""
        return _not_available(path, f"use one of: {listed}{more}")
    path = ".".join(("macros", *rest))
    if len(rest) > 2 or (len(rest) == 2 and rest[1] not in names.MACROS[rest[0]]):
        below = ", ".join(f"`macros.{rest[0]}.{name}(...)`" for name in names.MACROS[rest[0]])
        return _not_available(path, f"use one of: {below}" if below else f"call `macros.{rest[0]}(...)`")
    return None if called else _not_available(path, f"call it: `{path}(...)`", "is a function, not a value")


def _data(path: str, rest: list[str], called: bool) -> Description | None:
    if called and not rest:
        return _not_available(path, f"write `{{{{ {path} }}}}` without parentheses", "is a value, not a function")
    return _method(rest[-1]) if called else None


def _method(name: str) -> Description | None:
    if name in names.METHODS:
        return None
    hint = names.METHODS_INSTEAD.get(name) or did_you_mean(name, names.METHODS)
    return "forbidden-template", f"a template cannot call the method `{name}`", hint


def _private(name: str) -> Description:
    return "forbidden-template", f"a template cannot read `{name}`", "use a name that does not begin with `__`"


def _not_available(path: str, hint: str, why: str = "is not available in a template") -> Description:
    return "forbidden-template", f"`{path}` {why}", hint


class _Walk:
    """A walk over a syntax tree. ``context`` is the names that the template does not define itself."""

    def __init__(self) -> None:
        self.context: Set[str] = frozenset()
        self.names: list[Use] = []
        self.violations: list[Violation] = []

    def report(self, node: nodes.Node, code: Code, message: str, hint: str) -> None:
        self.violations.append(Violation((code, message, hint), node.lineno))

    def check_filter(self, node: Any) -> None:
        self._known(node, "filter" if isinstance(node, nodes.Filter) else "test", node.name)
        what, position = _APPLIES_BY_NAME.get(node.name, ("", 0)) if isinstance(node, nodes.Filter) else ("", 0)
        named = node.args[position] if what and len(node.args) > position else None
        if isinstance(named, nodes.Const):
            self._known(node, what, str(named.value))

    def _known(self, node: Any, what: str, name: str) -> None:
        known = names.FILTERS | names.OWN_FILTERS if what == "filter" else names.TESTS
        if name not in known:
            code: Code = "unknown-filter" if what == "filter" else "bad-template"
            hint = did_you_mean(name, known - names.OWN_FILTERS)
            self.report(node, code, f"templates have no {what} `{name}`", hint)

    def visit(self, node: nodes.Node, called: bool = False) -> None:
        kind = type(node).__name__
        if kind not in _STATEMENTS and kind not in _EXPRESSIONS:
            self._statement(node, kind)
            return
        path = self._path(node)
        if path:
            self.names.append(Use(".".join(path), called, node.lineno))
        elif isinstance(node, nodes.Call):
            self._call(node)
        elif isinstance(node, nodes.Getattr):
            self._attribute(node, called)
        elif isinstance(node, nodes.Getitem):
            self._item(node)
        else:
            if isinstance(node, nodes.Filter) and node.name in _READS_ATTRIBUTES:
                self._attributes_by_name(node)
            if isinstance(node, nodes.For) and node.recursive:
                self.report(node, "forbidden-template", "a template cannot have a recursive loop", "remove `recursive`")
            self._below(node)

    def _below(self, node: nodes.Node) -> None:
        for child in node.iter_child_nodes():
            self.visit(child)

    def _statement(self, node: nodes.Node, kind: str) -> None:
        if kind in _FILE_STATEMENTS:
            self.report(
                node, "bad-template", "a template cannot include another file", "write the text into the template"
            )
        else:
            word = {"CallBlock": "call", "ScopedEvalContextModifier": "autoescape"}.get(kind, kind.lower())
            hint = "use `set`, `if`, `for`, `with` and `filter`"
            self.report(node, "forbidden-template", f"`{{% {word} %}}` is not available in a template", hint)

    def _path(self, node: nodes.Node) -> list[str]:
        """The steps of a dotted name that begins with a name of the context; empty for other expressions."""
        steps: list[str] = []
        while True:
            if isinstance(node, nodes.Getattr):
                steps.append(node.attr)
                node = node.node
            elif isinstance(node, nodes.Getitem) and _is_name(node.arg):
                steps.append(node.arg.value)  # type: ignore[attr-defined]
                node = node.node
            else:
                break
        if isinstance(node, nodes.Name) and node.ctx == "load" and node.name in self.context:
            return [node.name, *reversed(steps)]
        return []

    def _call(self, node: nodes.Call) -> None:
        if isinstance(node.node, (nodes.Getattr, nodes.Getitem)) or self._path(node.node):
            self.visit(node.node, called=True)
        else:
            self.report(node, "forbidden-template", "a template cannot call this value", "call a function by its name")
        for child in node.iter_child_nodes(exclude=("node",)):
            self.visit(child)

    def _attribute(self, node: nodes.Getattr, called: bool) -> None:
        words = _private(node.attr) if node.attr.startswith("__") else None
        literal = _methods_of(node.node)
        if not words and literal is not None and not (called and node.attr in literal):
            hint = names.METHODS_INSTEAD.get(node.attr) or (did_you_mean(node.attr, literal) if literal else "")
            words = _not_available(node.attr, f"call it: `.{node.attr}(...)`" if node.attr in literal else hint)
        if not words and called:
            words = _method(node.attr) if node.attr not in names.LOOP else None
        if words:
            self.report(node, *words)
        self.visit(node.node)

    def _item(self, node: nodes.Getitem) -> None:
        if isinstance(node.arg, nodes.Const) and str(node.arg.value).startswith("__"):
            self.report(node, *_private(str(node.arg.value)))
        elif _methods_of(node.node) is not None and not _is_index(node.arg):
            message = "the index of a text or list must be a number"
            self.report(node, "forbidden-template", message, "write a number, such as `[0]`")
        self._below(node)

    def _attributes_by_name(self, node: nodes.Filter) -> None:
        for argument in (*node.args, *(keyword.value for keyword in node.kwargs)):
            if isinstance(argument, nodes.Const) and isinstance(argument.value, str) and "__" in argument.value:
                self.report(node, *_private(argument.value))


def _is_name(node: nodes.Node) -> bool:
    return isinstance(node, nodes.Const) and isinstance(node.value, str) and node.value.isidentifier()


def _is_index(node: nodes.Node) -> bool:
    if isinstance(node, nodes.Const):
        return isinstance(node.value, int)
    return isinstance(node, (nodes.Slice, nodes.Name, nodes.Neg, nodes.Sub, nodes.Getattr))


def _methods_of(node: nodes.Node) -> frozenset[str] | None:
    """The methods of a literal, or None for a map and for a value that is known later."""
    if isinstance(node, (nodes.TemplateData, nodes.Concat)) or (
        isinstance(node, nodes.Const) and isinstance(node.value, str)
    ):
        return names.TEXT
    if isinstance(node, (nodes.List, nodes.Tuple)):
        return names.LIST
    return frozenset() if isinstance(node, nodes.Const) else None
