"""Adds the limits of the sandbox to the syntax tree of a template."""

from __future__ import annotations

from typing import Any

from jinja2 import nodes
from jinja2.visitor import NodeTransformer

_NODES = 4  # nodes of a syntax tree that one step executes


class LimitTransformer(NodeTransformer):
    """Adds filters to a syntax tree that count loops and comparisons, and measure new values."""

    def visit_For(self, node: nodes.For) -> nodes.For:
        body = sum(1 for _ in node.find_all(nodes.Node))  # the work of one turn
        self.generic_visit(node)
        node.iter = self.filtered(node.iter, "_count_items", nodes.Const(1 + body // _NODES))
        return node

    def visit_Compare(self, node: nodes.Compare) -> nodes.Compare:
        self.generic_visit(node)
        node.expr = self._compared(node.expr)
        for operand in node.ops:
            operand.expr = self._compared(operand.expr)
        return node

    def visit_Getitem(self, node: nodes.Getitem) -> nodes.Expr:
        self.generic_visit(node)
        return self.filtered(node, "_measured") if isinstance(node.arg, nodes.Slice) else node

    def visit_AssignBlock(self, node: nodes.AssignBlock) -> nodes.AssignBlock:
        self.generic_visit(node)
        node.filter = nodes.Filter(node.filter, "_measured", [], [], None, None, lineno=node.lineno)
        return node

    def _measure(self, node: nodes.Expr) -> nodes.Expr:
        self.generic_visit(node)
        return node if getattr(node, "ctx", "load") == "store" else self.filtered(node, "_measured")

    visit_List = visit_Tuple = visit_Dict = visit_Concat = _measure

    @staticmethod
    def filtered(node: Any, name: str, *arguments: nodes.Expr) -> nodes.Filter:
        """The node with one of the sandbox's own filters applied."""
        return nodes.Filter(node, name, list(arguments), [], None, None, lineno=node.lineno)

    def _compared(self, node: nodes.Expr) -> nodes.Expr:
        return node if isinstance(node, nodes.Const) else self.filtered(node, "_compared")
