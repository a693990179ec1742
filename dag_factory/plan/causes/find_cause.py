"""The line whose edit changed one field of one DAG.

The position that sets the value after the change is the cause if it was edited. Otherwise the position that set it
before is, if that was edited: an upper layer was removed. Otherwise the value itself stayed as it was, and what it is
computed from was edited: the call of a template, an input, a variable, a mirror, a flavor, a limit.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from dag_factory.config.platform import flavor_table, presets, retries
from dag_factory.config.pod.final_pod import CONTAINER_KEYS, SPEC_KEYS
from dag_factory.config.positions import Position
from dag_factory.config.source.layout import ENVIRONMENTS
from dag_factory.config.source.relocate import paths
from dag_factory.config.tree import MapNode, Scalar, at
from dag_factory.explain.field_paths import tokens
from dag_factory.plan.causes import table_causes
from dag_factory.plan.causes.dag_sides import DagSides, without_environment
from dag_factory.plan.causes.field_positions import Positions, job_path, positions
from dag_factory.plan.model import Cause

_NAMED_LAYERS = {flavor_table.FILE: "resource_flavor", presets.FILE: "presets", retries.FILE: "retries"}
_CALLS = frozenset({"uses", "with", "template", "instances", "presets"})
"""The keys that add whole layers."""
_RELATED: dict[str, set[str]] = {
    "env": {"params", "groups", "for_each", "matrix"},
    "mapped_group": {"groups", "group"},
    "command": {"script", "shell", "args"},
    "args": {"script", "shell", "command"},
    "volumes": {"volumes"},
    "volumeMounts": {"volumes"},
    "initContainers": {"init_containers", "sidecars"},
    "containers": {"output"},
    "matrix": {"matrix"},
    "retries": {"retries"},
    "trigger_rule": {"teardown"},
}
"""More keys that may set a field, by a step of its path."""
_NAMES = re.compile(r"\b(vars|matrix|params|inputs)\.([A-Za-z_][A-Za-z0-9_]*)")


def find_cause(dag: DagSides, job: str, path: str) -> Cause | None:
    """The cause of a field; ``job`` is empty for one of the DAG itself. None if no edit explains it."""
    places = [positions(one.whole, one.pipeline, job, path) if one else Positions() for one in dag.both]
    exact, near = [list(one.exact) for one in places], [list(one.near) for one in places]
    found = [[*one.exact, *one.near] for one in places]
    if not job and tokens(path)[0] == "channels":
        return next(table_causes.channel(dag, path), None)
    if _is_of_same_flavor(dag, job, path):
        exact = [[], []]  # the name of the flavor may be written in another place, but it is the same
    if "xcom" in path and (cause := next(table_causes.sidecar(dag, job), None)):
        return cause
    for rule in (
        _edited_value(dag, exact),
        _name_of_layer(dag, found, job),
        table_causes.flavor(dag, job, path),
        _template_call(dag, found, job),
        _names_in_text(dag, found, job),
        table_causes.mirrors(dag, path),
        _edited_value(dag, near),
        table_causes.by_table(dag, path),
        _in_own_file(dag, job, path),
        _only_edit(dag),
    ):
        for cause in rule:
            return cause
    return None


def find_job_cause(dag: DagSides, job: str, side: int) -> Cause | None:
    """The cause of a job that only one side has: its own entry in the file, or else what adds it."""
    name = dag.source_name(job)
    entry, cells = ("jobs", name), ("jobs", name, "matrix")
    for edit in dag.own(side).all:
        inner = without_environment(edit.path)
        if inner in (entry, ("jobs",)) or inner[:3] == cells:
            return dag.cause(edit, dag.files[side], side)
    other = dag.own(1 - side).below(*cells)
    if other:
        return dag.cause(other, dag.files[1 - side], 1 - side)
    return next((cause for rule in (_in_own_file(dag, "", "matrix"), _only_edit(dag)) for cause in rule), None)


def _edited_value(dag: DagSides, found: list[list[Position]]) -> Iterator[Cause]:
    """The edited positions of the value, after the change first. The nearest ones come first on each side."""
    for side in (1, 0):
        for position in found[side]:
            if edit := dag.edits(position.file, side).at(position):
                yield dag.cause(edit, position.file, side)


def _name_of_layer(dag: DagSides, found: list[list[Position]], job: str) -> Iterator[Cause]:
    """For a value of a flavor, a preset or a retry rule: the key of the job that names it."""
    files = {position.file for some in found for position in some}
    names = [key for file, key in _NAMED_LAYERS.items() if file in files]
    if any(file.startswith(f"{ENVIRONMENTS}/") for file in files):  # which may define a flavor
        names.append("resource_flavor")
    for key in names if job else ():
        places = [positions(one.whole, one.pipeline, job, key) if one else Positions() for one in dag.both]
        yield from _edited_value(dag, [list(one.exact) for one in places])


def _template_call(dag: DagSides, found: list[list[Position]], job: str) -> Iterator[Cause]:
    """For a value from a template: the reference to the template, then its inputs."""
    for side in (1, 0):
        for position in found[side]:
            if position.caller and (edit := dag.edits(position.caller.file, side).at(position.caller)):
                yield dag.cause(edit, position.caller.file, side)
    if any(position.caller for some in found for position in some):
        name = dag.source_name(job)
        for side in (1, 0):
            for path in (("jobs", name, "with"), ("defaults", "with"), ("with",), *_instance(dag)):
                if edit := dag.own(side).below(*path):
                    yield dag.cause(edit, dag.files[side], side)
            for edit in dag.own(side).all:  # in the values for an environment
                if "with" in edit.path:
                    yield dag.cause(edit, dag.files[side], side)


def _instance(dag: DagSides) -> Iterator[tuple[str, ...]]:
    for one in dag.both:
        if one:
            yield ("instances", one.pipeline.name)


def _names_in_text(dag: DagSides, found: list[list[Position]], job: str) -> Iterator[Cause]:
    """The variables of the environment and the other names that the text of the value has."""
    for side in (1, 0):
        one = dag.both[side]
        for position in found[side] if one else ():
            assert one
            document = one.whole.documents.get(position.file)
            for text in _texts(document, position) if document else ():
                yield from _named(dag, text, job)


def _texts(document: MapNode, position: Position) -> Iterator[str]:
    for path in paths(document).get((position.line, position.column), ()):
        node = at(document, path)
        if isinstance(node, Scalar) and "${{" in node.text:
            yield node.text


def _named(dag: DagSides, text: str, job: str) -> Iterator[Cause]:
    for kind, name in _NAMES.findall(text):
        for side in (1, 0):
            if kind == "vars":
                for file, edits in dag.sides.all_tables(side):
                    if edit := edits.below("vars", name):
                        yield dag.cause(edit, file, side)
            elif kind == "matrix" and (edit := dag.own(side).below("jobs", dag.source_name(job), "matrix")):
                yield dag.cause(edit, dag.files[side], side)


def _is_of_same_flavor(dag: DagSides, job: str, path: str) -> bool:
    """Whether a field follows from the job's flavor, whose name is the same on both sides."""
    names = set()
    for side, one in enumerate(dag.both):
        model, node = dag.job(side, job), one.whole.tree.map("jobs").get(job) if one else None
        if one is None or model is None or not isinstance(node, MapNode):
            return False
        if job_path(one.pipeline, job, path, node)[:1] != ("resource_flavor",):
            return False
        names.add(model.flavor.name)
    return len(names) == 1


def _in_own_file(dag: DagSides, job: str, path: str) -> Iterator[Cause]:
    """An edit of the pipeline's own file with a key that can set the field: of the job, the defaults, or the rest."""
    name, related = dag.source_name(job), _related_keys(path)
    prefixes: list[tuple[str, ...]] = [("jobs", name), ("defaults",)] if job else []
    for prefix in (*prefixes, ()):
        for side in (1, 0):
            for edit in dag.own(side).all:
                inner = without_environment(edit.path)
                is_of_other = bool(job) and prefix == () and inner[:1] == ("jobs",)
                if inner[: len(prefix)] == prefix and not is_of_other and related & set(map(str, inner)):
                    yield dag.cause(edit, dag.files[side], side)


def _related_keys(path: str) -> set[str]:
    """The keys of the language that may set a field, besides the key itself."""
    steps = tokens(path)
    keys = {*steps, *_CALLS}
    for step in steps:
        if key := SPEC_KEYS.get(step) or CONTAINER_KEYS.get(step):
            keys.add(key)
        keys |= _RELATED.get(step, set())
    return keys


def _only_edit(dag: DagSides) -> Iterator[Cause]:
    """The only edit of all files, whatever it changes."""
    edits = [
        (file, edit, side)
        for side in (1, 0)
        for file, some in (*dag.sides.all_tables(side), (dag.files[side], dag.own(side)))
        for edit in some.all
    ]
    for side in (1, 0):
        of_side = [one for one in edits if one[2] == side]
        if len(of_side) == 1:
            yield dag.cause(of_side[0][1], of_side[0][0], side)
