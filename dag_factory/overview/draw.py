"""Draw a graph: as text for a terminal, and as a Mermaid flowchart, which GitHub and GitLab show."""

from __future__ import annotations

from collections.abc import Iterator

from dag_factory.overview.clean import clean
from dag_factory.overview.graph import Graph, Group, Node

_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 _-.,=()")
_SHAPES = {"setup": ("{{", "}}"), "teardown": ("([", "])"), "many": ("[[", "]]"), "job": ("[", "]")}
_LONGEST = 80  # characters of a condition


def text(graph: Graph) -> str:
    """The steps of a graph, and what each job waits for."""
    jobs = f"{graph.jobs:,} {'job' if graph.jobs == 1 else 'jobs'}"
    steps = f"{len(graph.steps):,} {'step' if len(graph.steps) == 1 else 'steps'}"
    lines = [f"{graph.id} in {graph.environment}: {jobs} in {steps}"]
    width = max(len(_title(node)) for step in graph.steps for node in step)
    for number, step in enumerate(graph.steps, 1):
        lines += ["", f"Step {number}"]
        lines += (f"  {_title(node):{width}}  {_remarks(node)}".rstrip() for node in step)
    mapped = [group for group in graph.groups if group.items]
    if mapped:
        lines += ["", "Groups", *(f"  {group.path}  for {group.items}" for group in mapped)]
    return "\n".join(map(clean, lines))


def _title(node: Node) -> str:
    return f"{node.group}.{node.name}" if node.group else node.name


def _remarks(node: Node) -> str:
    after = [f"after {', '.join(node.after)}"] if node.after else []
    return "; ".join((*after, *_marks(node)))


def _marks(node: Node) -> Iterator[str]:
    """What is special about a node."""
    if node.setup:
        yield "setup"
    if node.cleans_up:
        yield f"teardown of {', '.join(node.cleans_up)}"
    if node.matrix:
        yield f"matrix of {node.jobs:,} {'job' if node.jobs == 1 else 'jobs'}"
    if node.items:
        yield f"for {node.items}"
    if node.trigger_rule:
        yield f"trigger rule {node.trigger_rule}"
    if node.when:
        yield f"when {node.when if len(node.when) <= _LONGEST else node.when[: _LONGEST - 1] + '…'}"


def mermaid(graph: Graph) -> str:
    """A flowchart. Every name is a label in quotes, with all special characters as entity codes."""
    nodes = [node for step in graph.steps for node in step]
    ids = {node.name: f"n{number}" for number, node in enumerate(nodes)}
    lines = ["flowchart LR", *_draw_nodes(nodes, ids, ""), *_draw_groups(graph.groups, nodes, ids, "")]
    for node in nodes:
        lines += (f"  {ids[other]} --> {ids[node.name]}" for other in node.after if other in ids)
        lines += (f"  {ids[other]} -.-> {ids[node.name]}" for other in node.cleans_up if other in ids)
    return "\n".join(lines)


def _draw_groups(groups: tuple[Group, ...], nodes: list[Node], ids: dict[str, str], parent: str) -> Iterator[str]:
    """The groups directly inside ``parent``, with what they contain."""
    indent = "  " * (parent.count(".") + 2 if parent else 1)
    for number, group in enumerate(groups):
        if group.path.rpartition(".")[0] == parent:
            label = _label(group.path.rpartition(".")[2], *([f"for {group.items}"] if group.items else []))
            yield f'{indent}subgraph g{number}["{label}"]'
            yield from _draw_nodes(nodes, ids, group.path)
            yield from _draw_groups(groups, nodes, ids, group.path)
            yield f"{indent}end"


def _draw_nodes(nodes: list[Node], ids: dict[str, str], group: str) -> Iterator[str]:
    indent = "  " * (group.count(".") + 2 if group else 1)
    for node in nodes:
        if node.group == group:
            start, end = _SHAPES[_shape(node)]
            yield f'{indent}{ids[node.name]}{start}"{_label(node.name, *_marks(node))}"{end}'


def _shape(node: Node) -> str:
    if node.setup:
        return "setup"
    if node.cleans_up:
        return "teardown"
    return "many" if node.matrix or node.items else "job"


def _label(*lines: str) -> str:
    """A label of several lines; the line breaks are its only markup."""
    return "<br/>".join(_escaped(line) for line in lines)


def _escaped(text: str) -> str:
    return "".join(char if char in _PLAIN else f"#{ord(char)};" for char in clean(text))
