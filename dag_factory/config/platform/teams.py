"""Teams: what the folder of a pipeline gives to it, and what it may use.

A team is a folder below ``pipelines/``. Of a folder in a folder both hold: the inner one's words win where
something is given, and of limits every one is kept, so that the strictest wins.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from collections.abc import Mapping as MappingT
from fnmatch import fnmatchcase

import msgspec

from dag_factory.config.expressions.compile_time import Context
from dag_factory.config.guard_rules import NONE, Guards, Rule
from dag_factory.config.guards import read_guards
from dag_factory.config.guards.required_keys import POD_PATHS
from dag_factory.config.platform import optional_table
from dag_factory.config.platform.optional_table import Table, TableFile
from dag_factory.config.positions import KeyPath, Position
from dag_factory.config.problems import Problem, errors
from dag_factory.config.schema import registry
from dag_factory.config.schema.annotations import shape
from dag_factory.config.schema.merge import merge
from dag_factory.config.source import documents
from dag_factory.config.source.platform_files import PlatformFiles
from dag_factory.config.suggestions import did_you_mean
from dag_factory.config.tree import MapNode, Node, Scalar, at, map_node, to_python, without

FILE = "configs/platform/teams.yaml"
_SCHEMA = "teams.schema.json"
_TEAM = "/$defs/team"
_ACCOUNT = "service_account"
DEFAULT = "default"
DENY = "deny"
PIPELINE = ("pipeline.schema.json", "")
JOB = ("job.schema.json", "/$defs/job")
_DEFAULTS = ("job.schema.json", "/$defs/defaults")


class Team(msgspec.Struct, frozen=True):
    """What holds for the pipelines of one folder: its own team and those of the folders around it."""

    names: tuple[str, ...] = ()
    namespace: str | None = None
    pipeline_defaults: MapNode | None = None
    job_defaults: MapNode | None = None
    guards: Guards = NONE


class Teams(Table, frozen=True):
    """The table, and the team of whoever it does not name: a map, or the text `deny`."""

    default: Node | None = None
    default_broken: bool = False


def read(platform: PlatformFiles, flavors: Collection[str]) -> TableFile:
    """The table of teams; ``flavors`` are the names that the environment has.

    Expressions in it wait for the pipeline.
    """
    empty = Teams(FILE, "team", ("no-team", "broken-team"))
    found = optional_table.read_table(platform, empty, _SCHEMA, "teams", _TEAM, None)
    problems = list(found.problems)
    for name, team in found.table.known.items():
        problems += _unknown_flavors(team, flavors, ("teams", name))
    default = found.document.get(DEFAULT) if found.document else None
    if isinstance(default, MapNode):
        problems += _unknown_flavors(default, flavors, (DEFAULT,))
    paths = (problem.path for problem in errors(found.problems))
    broken = any(f"{path}.".startswith((f"{DEFAULT}.", f"{DEFAULT}[")) for path in paths)
    table = msgspec.structs.replace(found.table, default=default, default_broken=broken)
    return TableFile(table, found.document, tuple(problems))


def name_positions(read: MapNode | None) -> dict[str, Position]:
    """Where each team's name stands in its file's tree."""
    written = at(read, ("teams",)) if read else None
    return dict(written.keys) if isinstance(written, MapNode) else {}


def team_of_file(file_id: str, table: Table, context: Context, file: str) -> tuple[Team, list[Problem]]:
    """The team of a pipeline's file, by its id. ``file`` is the name that a problem about the whole carries."""
    folders = file_id.split(".")[:-1]
    names = ["/".join(folders[: length + 1]) for length in range(len(folders))]
    if not table.readable:
        message = "not built: the limits of its folder are not known"
        return Team(), [Problem(file, 0, 0, "broken-table", message, hint=f"see the problems of {FILE}")]
    if isinstance(table, Teams) and not any(name in table.known or name in table.broken for name in names):
        return _default(table, names, context, file)
    found, problems = Team(), list[Problem]()
    for name in names:
        if name in table.broken:
            message = f"not built: the team `{name}` has a problem of its own"
            problems.append(Problem(file, 0, 0, "broken-team", message, hint=f"see the problems of {FILE}"))
        elif name in table.known:
            node = table.known[name]
            computed, trouble = documents.compute(without(node, "defaults"), context, _SCHEMA, _TEAM, ("teams", name))
            found, problems = _within(found, name, computed, node.map("defaults")), problems + trouble
    return found, problems


def _default(table: Teams, names: list[str], context: Context, file: str) -> tuple[Team, list[Problem]]:
    """The team of a file in whose folders no team is."""
    if table.default_broken:
        message = "not built: the default team has a problem of its own"
        return Team(), [Problem(file, 0, 0, "broken-team", message, hint=f"see the problems of {FILE}")]
    node = table.default
    if isinstance(node, Scalar) and node.value == DENY:
        place = f"`default: {DENY}` is in {node.position.file}:{node.position.line}"
        message = f"no team has the folder `{names[0]}`" if names else "no team has files directly in `pipelines/`"
        hint = f"add the folder `{names[0]}` under `teams`" if names else "move the file into the folder of a team"
        return Team(), [Problem(file, 0, 0, "no-team", message, hint=f"{hint}; {place}")]
    if not isinstance(node, MapNode):
        return Team(), []
    computed, problems = documents.compute(without(node, "defaults"), context, _SCHEMA, _TEAM, (DEFAULT,))
    return _within(Team(), "", computed, node.map("defaults")), problems


def _within(outer: Team, name: str, node: MapNode, defaults: MapNode) -> Team:
    """What holds in a folder, inside what holds around it; the default team has no name."""
    by = f"the team `{name}`" if name else "the default team"
    account = node.get(_ACCOUNT)
    given = map_node({_ACCOUNT: account}, {_ACCOUNT: account.position}, account.position) if account else None
    namespace = node.text("namespace")
    return Team(
        names=(*outer.names, name),
        namespace=outer.namespace if namespace is None else namespace,
        pipeline_defaults=merge_defaults(outer.pipeline_defaults, defaults.get("pipeline"), *PIPELINE),
        job_defaults=merge_defaults(merge_defaults(outer.job_defaults, given, *JOB), defaults.get("job"), *JOB),
        guards=read_guards.combine(outer.guards, read_guards.team_guards(by, node)),
    )


def merge_defaults(low: Node | None, high: Node | None, schema: str, pointer: str = "") -> MapNode | None:
    """Defaults over defaults, as one layer that still unsets what lies below it."""
    merged = merge(low, high if isinstance(high, MapNode) else None, shape(schema, pointer), unset=False)
    return merged if isinstance(merged, MapNode) else None


def check_required(
    rules: Iterable[Rule], header: MapNode, jobs: MappingT[str, MapNode], position: Position
) -> Iterator[Problem]:
    """A problem for each key that neither the pipeline says nor every job; ``position`` is the pipeline's place."""
    for rule in rules:
        for key in rule.words:
            if key in POD_PATHS:  # checked on each job's final pod
                continue
            missing = [name for name, job in jobs.items() if not _says(job, key)]
            if _says(header, key) or (jobs and not missing):
                continue
            ways = ["the pipeline"] * (key in _keys(*PIPELINE)) + ["each of its jobs"] * (key in _keys(*_DEFAULTS))
            message = f"`{key}` is missing, which {rule.by} asks for"
            hint = f"add `{key}:` to {' or to '.join(ways)}; see {rule.place}"
            yield Problem.at(position, (), "required-key", message, hint)


def _keys(name: str, pointer: str = "") -> frozenset[str]:
    return frozenset(registry.resolve({"$ref": f"{name}#{pointer}"}, name)[0]["properties"])


def _says(node: MapNode, key: str) -> bool:
    """Whether a key has a value that is more than nothing."""
    found = node.get(key)
    return found is not None and to_python(found) not in (None, "", [], {})


def _unknown_flavors(team: MapNode, flavors: Collection[str], path: KeyPath) -> Iterator[Problem]:
    """Warnings: another environment may define the flavor."""
    for index, item in enumerate(team.list("flavors")):
        if isinstance(item, Scalar) and not item.dynamic:
            if any(fnmatchcase(name, item.text) for name in flavors):
                continue
            message = f"no flavor is called `{item.text}`"
            hint = did_you_mean(item.text, flavors)
            yield Problem.at(item.position, (*path, "flavors", index), "unknown-flavor", message, hint, "warning")
