"""The line whose edit changed one field of one DAG.

The position that sets the value after the change is the cause if it was edited. Otherwise the position that set it
before is, if that was edited: an upper layer was removed. Otherwise the value itself stayed as it was, and what it is
computed from was edited: the call of a template, an input, a variable, a mirror, a flavor, a limit.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import msgspec

from dag_factory.config.editor.provenance import layer_name
from dag_factory.config.model import Job, Pipeline
from dag_factory.config.pipelines.compile_pipeline import ResolvedPipeline
from dag_factory.config.platform import alerts, flavor_table, presets, retries, teams
from dag_factory.config.pod.final_pod import CONTAINER_KEYS, SPEC_KEYS
from dag_factory.config.positions import KeyPath, Position
from dag_factory.config.source.layout import ENVIRONMENTS
from dag_factory.config.source.relocate import paths
from dag_factory.config.tree import MapNode, Scalar, at
from dag_factory.plan.causes.edits import Edit, Edits
from dag_factory.plan.causes.field_positions import Positions, job_path, positions, steps_of
from dag_factory.plan.causes.sides import Sides
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


class DagSide(msgspec.Struct, frozen=True):
    """One DAG on one side: its model, and its tree after all layers are merged."""

    pipeline: Pipeline
    whole: ResolvedPipeline
    file: str


class DagSides(msgspec.Struct, frozen=True):
    """One DAG before and after; None on a side that does not have it."""

    sides: Sides
    before: DagSide | None
    after: DagSide | None

    @property
    def both(self) -> tuple[DagSide | None, DagSide | None]:
        """Both sides, numbered 0 and 1."""
        return self.before, self.after

    @property
    def files(self) -> tuple[str, str]:
        """The files of the pipeline."""
        some = self.after or self.before
        assert some
        return (self.before or some).file, (self.after or some).file

    def edits(self, file: str, side: int) -> Edits:
        """The edits of a file on one side."""
        return self.sides.edits(file, self.files)[side]

    def own(self, side: int) -> Edits:
        """The edits of the pipeline's own file."""
        return self.sides.own(self.files)[side]

    def job(self, side: int, name: str) -> Job | None:
        """The model of a job."""
        dag = self.both[side]
        return next((job for job in dag.pipeline.jobs if job.name == name), None) if dag else None

    def source_name(self, job: str) -> str:
        """The name of a job in the file."""
        for dag in (self.after, self.before):
            if dag and job in dag.whole.source_names:
                return dag.whole.source_names[job]
        return job


def find_cause(dag: DagSides, job: str, path: str) -> Cause | None:
    """The cause of a field; ``job`` is empty for one of the DAG itself. None if no edit explains it."""
    places = [positions(one.whole, one.pipeline, job, path) if one else Positions() for one in dag.both]
    exact, near = [list(one.exact) for one in places], [list(one.near) for one in places]
    found = [[*one.exact, *one.near] for one in places]
    if not job and steps_of(path)[0] == "channels":
        return next(_channel(dag, path), None)
    if _is_of_same_flavor(dag, job, path):
        exact = [[], []]  # the name of the flavor may be written in another place, but it is the same
    if "xcom" in path and (cause := next(_sidecar(dag, job), None)):
        return cause
    for rule in (
        _edited_value(dag, exact),
        _name_of_layer(dag, found, job),
        _flavor(dag, job, path),
        _template_call(dag, found, job),
        _names_in_text(dag, found, job),
        _mirrors(dag, path),
        _edited_value(dag, near),
        _by_table(dag, path),
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
        inner = edit.path[2:] if edit.path[:1] == ("environments",) else edit.path
        if inner in (entry, ("jobs",)) or inner[:3] == cells:
            return _cause(dag, edit, dag.files[side], side)
    other = dag.own(1 - side).below(*cells)
    if other:
        return _cause(dag, other, dag.files[1 - side], 1 - side)
    return next((cause for rule in (_in_own_file(dag, "", "matrix"), _only_edit(dag)) for cause in rule), None)


def _edited_value(dag: DagSides, found: list[list[Position]]) -> Iterator[Cause]:
    """The edited positions of the value, after the change first. The nearest ones come first on each side."""
    for side in (1, 0):
        for position in found[side]:
            if edit := dag.edits(position.file, side).at(position):
                yield _cause(dag, edit, position.file, side)


def _name_of_layer(dag: DagSides, found: list[list[Position]], job: str) -> Iterator[Cause]:
    """For a value of a flavor, a preset or a retry rule: the key of the job that names it."""
    files = {position.file for some in found for position in some}
    names = [key for file, key in _NAMED_LAYERS.items() if file in files]
    if any(file.startswith(f"{ENVIRONMENTS}/") for file in files):  # which may define a flavor
        names.append("resource_flavor")
    for key in names if job else ():
        places = [positions(one.whole, one.pipeline, job, key) if one else Positions() for one in dag.both]
        yield from _edited_value(dag, [list(one.exact) for one in places])


def _flavor(dag: DagSides, job: str, path: str) -> Iterator[Cause]:
    """The definition of the job's flavor, in the table or in the environment."""
    models = [dag.job(side, job) if job else None for side in (0, 1)]
    steps = steps_of(path.replace(":", "."))
    is_size = ".resources." in f".{path}." or "dev-shm" in path or "/dev/shm" in path
    if not any(models) or not (is_size or steps[0] == "resource_flavor"):
        return
    names = [one.flavor.name for one in models if one]
    larger = [flavor.flavor.name for one in models if one for flavor in one.larger_flavors]
    wanted = [*larger, *names] if "next" in steps else [*names, *larger]
    for name in dict.fromkeys(reversed(wanted) if "next" not in steps else wanted):
        for side in (1, 0):
            candidates = [
                (file, edit)
                for file, edits in dag.sides.all_tables(side)
                for edit in edits.all
                if edit.path[:2] == ("flavors", name) or edit.path[:3] == ("flavors", "define", name)
            ]
            for file, edit in sorted(candidates, key=lambda one: _distance(one[1].path, steps)):
                yield _cause(dag, edit, file, side)


def _distance(path: KeyPath, steps: list[str]) -> tuple[bool, int]:
    """How well the path of an edit in a flavor fits a field: the same resource, then the same kind."""
    names = {str(step) for step in path}
    resource = steps[-1].replace("-", "_")
    is_gpu = "/" in steps[-1] and "gpu" in names
    same = resource in names or steps[-1] in names or is_gpu
    return not same, -len(names & {*steps, resource})


def _template_call(dag: DagSides, found: list[list[Position]], job: str) -> Iterator[Cause]:
    """For a value from a template: the reference to the template, then its inputs."""
    for side in (1, 0):
        for position in found[side]:
            if position.caller and (edit := dag.edits(position.caller.file, side).at(position.caller)):
                yield _cause(dag, edit, position.caller.file, side)
    if any(position.caller for some in found for position in some):
        name = dag.source_name(job)
        for side in (1, 0):
            for path in (("jobs", name, "with"), ("defaults", "with"), ("with",), *_instance(dag)):
                if edit := dag.own(side).below(*path):
                    yield _cause(dag, edit, dag.files[side], side)
            for edit in dag.own(side).all:  # in the values for an environment
                if "with" in edit.path:
                    yield _cause(dag, edit, dag.files[side], side)


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
                        yield _cause(dag, edit, file, side)
            elif kind == "matrix" and (edit := dag.own(side).below("jobs", dag.source_name(job), "matrix")):
                yield _cause(dag, edit, dag.files[side], side)


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


def _sidecar(dag: DagSides, job: str) -> Iterator[Cause]:
    """For the container that reads the output: the output of the job, or the settings of the environment."""
    models = [dag.job(side, job) if job else None for side in (0, 1)]
    outputs = {model.output for model in models if model}
    for side in (1, 0):
        if len(outputs) > 1:
            for prefix in (("jobs", dag.source_name(job)), ("defaults",)):
                for edit in dag.own(side).all:
                    inner = edit.path[2:] if edit.path[:1] == ("environments",) else edit.path
                    if inner[: len(prefix)] == prefix and "output" in inner:
                        yield _cause(dag, edit, dag.files[side], side)
        else:
            for file, edits in dag.sides.all_tables(side):
                for edit in edits.all:
                    if {"xcom_sidecar", "pod_security"} & set(map(str, edit.path)):
                        yield _cause(dag, edit, file, side)


def _mirrors(dag: DagSides, path: str) -> Iterator[Cause]:
    if "image" not in path:
        return
    for side in (1, 0):
        for file, edits in dag.sides.all_tables(side):
            if edit := edits.below("images", "mirrors"):
                yield _cause(dag, edit, file, side)


def _by_table(dag: DagSides, path: str) -> Iterator[Cause]:
    """An edit of the environment, the team or a channel whose path has the steps of the field in their order."""
    steps = [step for step in steps_of(path) if not step.isdecimal()]
    some = dag.after or dag.before
    folder = "/".join(some.file.split("/")[2:-1]) if some else ""
    for wanted in (steps, steps[-1:], steps[:1]):
        for side in (1, 0):
            for file, edits in dag.sides.all_tables(side):
                for edit in edits.all:
                    if _applies(file, edit.path, folder) and _has_in_order(edit.path, wanted):
                        yield _cause(dag, edit, file, side)


def _applies(file: str, path: KeyPath, folder: str) -> bool:
    """Whether a table may set fields of a DAG in this folder by their names."""
    if file == teams.FILE:
        return path[:1] == (teams.DEFAULT,) or (len(path) > 1 and f"{folder}/".startswith(f"{path[1]}/"))
    return file.startswith(f"{ENVIRONMENTS}/") or file == alerts.FILE or file == flavor_table.FILE


def _has_in_order(path: KeyPath, steps: Iterable[str]) -> bool:
    rest = iter(map(str, path))
    return all(step in rest for step in steps)


def _in_own_file(dag: DagSides, job: str, path: str) -> Iterator[Cause]:
    """An edit of the pipeline's own file with a key that can set the field: of the job, the defaults, or the rest."""
    name, related = dag.source_name(job), _related_keys(path)
    prefixes: list[tuple[str, ...]] = [("jobs", name), ("defaults",)] if job else []
    for prefix in (*prefixes, ()):
        for side in (1, 0):
            for edit in dag.own(side).all:
                inner = edit.path[2:] if edit.path[:1] == ("environments",) else edit.path
                is_of_other = bool(job) and prefix == () and inner[:1] == ("jobs",)
                if inner[: len(prefix)] == prefix and not is_of_other and related & set(map(str, inner)):
                    yield _cause(dag, edit, dag.files[side], side)


def _related_keys(path: str) -> set[str]:
    """The keys of the language that may set a field, besides the key itself."""
    steps = steps_of(path)
    keys = {*steps, *_CALLS}
    for step in steps:
        if key := SPEC_KEYS.get(step) or CONTAINER_KEYS.get(step):
            keys.add(key)
        keys |= _RELATED.get(step, set())
    return keys


def _channel(dag: DagSides, path: str) -> Iterator[Cause]:
    """For a channel: its definition, or the alerts that name it if only one side does."""
    name = steps_of(path)[1:2]
    sides = [{channel.name for channel in one.pipeline.channels} if one else set() for one in dag.both]
    is_in_both = all(name and name[0] in side for side in sides)
    for side in (1, 0):
        files = list(dag.sides.all_tables(side))
        if is_in_both:
            files = [(file, edits) for file, edits in files if file == alerts.FILE]
        else:
            files.insert(0, (dag.files[side], dag.own(side)))
        for file, edits in files:
            for edit in edits.all:
                if edit.path[:2] == ("channels", *name) if is_in_both else "alerts" in edit.path:
                    yield _cause(dag, edit, file, side)


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
            yield _cause(dag, of_side[0][1], of_side[0][0], side)


def _cause(dag: DagSides, edit: Edit, file: str, side: int) -> Cause:
    line, column = edit.position.line, edit.position.column
    layer = layer_name(Position(file, line, column), edit.path, dag.files[side])
    return Cause(file, line, column, layer, "after" if side else "before")
