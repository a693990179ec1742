"""Escape dollar signs in ``command``, ``args`` and ``env``, so that Kubernetes expands only what the author wrote.

Kubernetes expands ``$(NAME)`` to a variable of the container, and ``$$`` to one dollar sign. The author of a file may
use that. Text that ``{{ }}`` inserts when the task runs must not: it comes from a form or from the output of a job.

``marked``          a text in which the author's own ``$(NAME)`` is expanded and nothing that ``{{ }}`` brings
``escaped``         a text in which nothing is expanded
``EscapeDollars``   the Jinja extension that reads the marks of ``marked``
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import jinja2.ext
from jinja2 import nodes
from jinja2.parser import Parser

_TAG, _END = "escape_dollars", "end_escape_dollars"
ESCAPE_FILTER = "replace('$', '$$')"
"""The filter that escapes dollar signs, as it is written in a template."""

_SILENT = (
    nodes.Macro,
    nodes.Assign,
    nodes.AssignBlock,
    nodes.ExprStmt,
    nodes.Import,
    nodes.FromImport,
    nodes.Break,
    nodes.Continue,
)
"""Statements that produce no output. What they define is escaped where it is output."""

_OPEN_ENDED = re.compile(r"(\$\$|\$\([^)]*\))|\$(?=\(|\Z)")


def has_template(text: str) -> bool:
    """Whether a text contains something that Airflow renders."""
    return "{{" in text or "{%" in text


def escape_rendered(text: str) -> str:
    """The text for ``command``, ``args`` or ``env``, with a tag around it if it contains a template."""
    if not has_template(text):
        return text
    return f"{{% {_TAG} %}}{close_brace(text)}{{% {_END} %}}"


def escape_all(text: str) -> str:
    """The text for ``command``, ``args`` or ``env`` in which nothing is expanded after rendering."""
    if not has_template(text):
        return text.replace("$", "$$")
    return f"{{% filter {ESCAPE_FILTER} %}}{close_brace(text)}{{% endfilter %}}"


def close_brace(text: str) -> str:
    """The text in a form that a Jinja tag can follow. A ``{`` at the end would become part of the tag."""
    return text[:-1] + "{{ '{' }}" if text.endswith("{") else text


class EscapeDollars(jinja2.ext.Extension):
    """The tag that ``marked`` writes. It escapes only what the expressions inside it output."""

    tags = {_TAG}  # noqa: RUF012  (Jinja declares it as an instance attribute)

    def parse(self, parser: Parser) -> list[nodes.Node]:
        """The nodes inside the tag. Nodes that output text of unknown origin are filtered."""
        next(parser.stream)
        body = parser.parse_statements((f"name:{_END}",), drop_needle=True)
        return list(_escape_body(body))


def _escape_body(body: Iterable[nodes.Node]) -> Iterator[nodes.Node]:
    for node in body:
        if isinstance(node, nodes.Output):
            node.nodes = [_escape_output(child) for child in node.nodes]
        elif isinstance(node, nodes.If):
            node.body = list(_escape_body(node.body))
            node.elif_ = [one for one in _escape_body(node.elif_) if isinstance(one, nodes.If)]
            node.else_ = list(_escape_body(node.else_))
        elif isinstance(node, nodes.For) and not node.recursive:
            node.body, node.else_ = list(_escape_body(node.body)), list(_escape_body(node.else_))
        elif isinstance(node, nodes.With):
            node.body = list(_escape_body(node.body))
        elif isinstance(node, nodes.FilterBlock):
            if not _is_escape(node.filter):
                node.filter = _escape_filter(node.filter, node.lineno)
        elif not isinstance(node, _SILENT):  # for example a call block: all of its output
            node = nodes.FilterBlock([node], _escape_filter(None, node.lineno), lineno=node.lineno)
        yield node


def _escape_output(node: nodes.Expr) -> nodes.Expr:
    if isinstance(node, nodes.TemplateData):
        # A reference must begin and end in the author's text. Otherwise `x` in `$({{ x }})` could name a variable.
        return nodes.TemplateData(_OPEN_ENDED.sub(lambda found: found[1] or "$$", node.data), lineno=node.lineno)
    return node if _is_escape(node) else _escape_filter(node, node.lineno)


def _escape_filter(node: nodes.Expr | None, line: int) -> nodes.Filter:
    arguments: list[nodes.Expr] = [nodes.Const("$", lineno=line), nodes.Const("$$", lineno=line)]
    return nodes.Filter(node, "replace", arguments, [], None, None, lineno=line)


def _is_escape(node: nodes.Expr) -> bool:
    """Whether the last filter of an expression escapes dollar signs."""
    return (
        isinstance(node, nodes.Filter)
        and node.name == "replace"
        and [one.value if isinstance(one, nodes.Const) else None for one in node.args] == ["$", "$$"]
        and not (node.kwargs or node.dyn_args or node.dyn_kwargs)
    )
