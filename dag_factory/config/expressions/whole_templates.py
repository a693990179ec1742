"""Split a text into literal parts and ``{{ name }}`` expressions, as Jinja parses it.

A guard checks some texts before they are rendered. There, statements, comments and constants could hide the rendered
text. So these texts may contain only literal text and expressions that read a value.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import jinja2
from jinja2 import nodes

from dag_factory.config.expressions.escaping import COMMENT_MARKS

_JINJA = jinja2.Environment(
    comment_start_string=COMMENT_MARKS[0],
    comment_end_string=COMMENT_MARKS[1],
    extensions=["jinja2.ext.do"],
    keep_trailing_newline=True,
)
_TOKENS = {
    "block_begin": "a statement",
    "comment_begin": "a comment",
    "comment": "a comment",
    "raw_begin": "a raw block",
}

Parts = tuple[tuple[bool, str], ...]
"""The parts of a text in order: whether a part is an expression, and its source."""


@lru_cache(4096)
def split_template(text: str) -> Parts | str:
    """The parts of a text, or a phrase that names what it contains besides such expressions."""
    if "{{" not in text and "{%" not in text:
        return ((False, text),)
    try:
        found = list(_pieces(text))
        tree = _JINJA.parse(text)
    except jinja2.TemplateSyntaxError as failure:
        return f"a syntax error: {failure.message}"
    except _NotWholeError as failure:
        return str(failure)
    except RecursionError:
        return "an expression that is nested too deeply"
    for output in tree.find_all(nodes.Output):
        for node in output.nodes:
            if not (isinstance(node, nodes.TemplateData) or _only_reads(node)):
                return "an expression that does more than read a value"
    return tuple(found)


class _NotWholeError(Exception):
    pass


def _pieces(text: str) -> Iterator[tuple[bool, str]]:
    inside: list[str] = []
    for _, kind, value in _JINJA.lex(text):
        if kind in _TOKENS:
            raise _NotWholeError(_TOKENS[kind])
        if kind in ("variable_begin", "variable_end") and value not in ("{{", "}}"):
            raise _NotWholeError(f"`{value.strip()}`, which removes whitespace around it")
        if inside or kind == "variable_begin":
            inside.append(value)
            if kind == "variable_end":
                yield True, "".join(inside)
                inside = []
        else:
            yield False, value


def _only_reads(node: nodes.Node) -> bool:
    """Whether an expression is a name with attributes, subscripts, calls and filters whose arguments are constants."""
    if isinstance(node, nodes.Name):
        return True
    if isinstance(node, nodes.Getattr):
        return _only_reads(node.node)
    if isinstance(node, nodes.Getitem):
        return _only_reads(node.node) and isinstance(node.arg, nodes.Const)
    if isinstance(node, (nodes.Call, nodes.Filter)):
        given = [*node.args, *(one.value for one in node.kwargs)]
        plain = all(isinstance(one, nodes.Const) for one in given) and not (node.dyn_args or node.dyn_kwargs)
        return plain and node.node is not None and _only_reads(node.node)
    return False
