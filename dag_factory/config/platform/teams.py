"""Teams: the defaults and limits of the pipelines in a folder.

A team is a folder below ``pipelines/``. Nested folders apply together: the defaults of the inner folder override
those of the outer one, and the limits of both apply.
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
from dag_factory.config.ids import FileId
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
from dag_factory.config.tree import MapNode, Node, Scalar, map_node, to_python, without

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
    """The settings for the pipelines of one folder, merged from its own team and the teams of its parent folders."""

    names: tuple[str, ...] = ()
    namespace: str | None = None
    pipeline_defaults: MapNode | None = None
    job_defaults: MapNode | None = None
    guards: Guards = NONE


class Teams(Table, frozen=True):
    """The table of teams. ``default`` is for folders that are not in the table: the keys of a team, or `deny`."""

    default: Node | None = None
    default_broken: bool = False


def read(platform: PlatformFiles, flavors: Collection[str]) -> TableFile:
    """Read the table; ``flavors`` are the names of all flavors of the environment.

    Its expressions are computed for each pipeline.
    """
    empty = Teams(FILE, "team", ("no-team", "broken-team"))
    file = optional_table.read_table(platform, empty, _SCHEMA, "teams", _TEAM, None)
    problems = list(file.problems)
    for name, team in file.table.known.items():
        problems += _unknown_flavors(team, flavors, ("teams", name))
    default = file.document.get(DEFAULT) if file.document else None
    if isinstance(default, MapNode):
        problems += _unknown_flavors(default, flavors, (DEFAULT,))
    paths = (problem.path for problem in errors(file.problems))
    broken = any(f"{path}.".startswith((f"{DEFAULT}.", f"{DEFAULT}[")) for path in paths)
    table = msgspec.structs.replace(file.table, default=default, default_broken=broken)
    return TableFile(table, file.document, tuple(problems))


def name_positions(document: MapNode | None) -> dict[str, Position]:
    """The position of each team's name in the file."""
    return dict(document.map("teams").keys) if document else {}


def team_of_file(file_id: FileId, table: Table, context: Context, file: str) -> tuple[Team, list[Problem]]:
    """The team of the file with this id, and problems. ``file`` is the name of the pipeline's file."""
    folders = file_id.split(".")[:-1]
    names = ["/".join(folders[: length + 1]) for length in range(len(folders))]
    if not table.readable:
        message = "not built: the limits of its folder are unknown"
        return Team(), [Problem(file, 0, 0, "broken-table", message, hint=f"fix the errors in {FILE}")]
    if isinstance(table, Teams) and not any(name in table.known or name in table.broken for name in names):
        return _default(table, names, context, file)
    team, problems = Team(), list[Problem]()
    for name in names:
        if name in table.broken:
            message = f"not built: the team `{name}` has errors"
            problems.append(Problem(file, 0, 0, "broken-team", message, hint=f"fix the errors in {FILE}"))
        elif name in table.known:
            node = table.known[name]
            own = without(node, "defaults")
            computed, team_problems = documents.compute(own, context, _SCHEMA, _TEAM, ("teams", name))
            team = _nested_team(team, name, computed, node.map("defaults"))
            problems += team_problems
    return team, problems


def _default(table: Teams, names: list[str], context: Context, file: str) -> tuple[Team, list[Problem]]:
    """The team of a file whose folders are not in the table."""
    if table.default_broken:
        message = "not built: the default team has errors"
        return Team(), [Problem(file, 0, 0, "broken-team", message, hint=f"fix the errors in {FILE}")]
    node = table.default
    if isinstance(node, Scalar) and node.value == DENY:
        place = f"`default: {DENY}` is set in {node.position.file}:{node.position.line}"
        message = f"no team owns the folder `{names[0]}`" if names else "no team owns files directly in `pipelines/`"
        hint = f"add the folder `{names[0]}` under `teams`" if names else "move the file into the folder of a team"
        return Team(), [Problem(file, 0, 0, "no-team", message, hint=f"{hint}; {place}")]
    if not isinstance(node, MapNode):
        return Team(), []
    computed, problems = documents.compute(without(node, "defaults"), context, _SCHEMA, _TEAM, (DEFAULT,))
    return _nested_team(Team(), "", computed, node.map("defaults")), problems


def _nested_team(outer: Team, name: str, node: MapNode, defaults: MapNode) -> Team:
    """The team of a folder inside the folder of ``outer``; the default team has no name."""
    by = f"the team `{name}`" if name else "the default team"
    account = node.get(_ACCOUNT)
    account_layer = map_node({_ACCOUNT: account}, {_ACCOUNT: account.position}, account.position) if account else None
    namespace = node.text("namespace")
    return Team(
        names=(*outer.names, name),
        namespace=outer.namespace if namespace is None else namespace,
        pipeline_defaults=merge_defaults(outer.pipeline_defaults, defaults.get("pipeline"), *PIPELINE),
        job_defaults=merge_defaults(merge_defaults(outer.job_defaults, account_layer, *JOB), defaults.get("job"), *JOB),
        guards=read_guards.combine(outer.guards, read_guards.team_guards(by, node)),
    )


def merge_defaults(low: Node | None, high: Node | None, schema: str, pointer: str = "") -> MapNode | None:
    """Merge two layers of defaults into one. Its nulls still unset keys of lower layers."""
    merged = merge(low, high if isinstance(high, MapNode) else None, shape(schema, pointer), unset=False)
    return merged if isinstance(merged, MapNode) else None


def check_required(
    rules: Iterable[Rule], header: MapNode, jobs: MappingT[str, MapNode], position: Position
) -> Iterator[Problem]:
    """A problem for each required key that neither the pipeline nor each of its jobs sets, at ``position``."""
    for rule in rules:
        for key in rule.words:
            if key in POD_PATHS:  # checked in each job's final pod
                continue
            missing = [name for name, job in jobs.items() if not _sets(job, key)]
            if _sets(header, key) or (jobs and not missing):
                continue
            places = ["the pipeline"] * (key in _keys(*PIPELINE)) + ["each of its jobs"] * (key in _keys(*_DEFAULTS))
            message = f"`{key}` is missing; {rule.by} requires it"
            hint = f"add `{key}:` to {' or to '.join(places)}; see {rule.location}"
            yield Problem.at(position, (), "required-key", message, hint)


def _keys(name: str, pointer: str = "") -> frozenset[str]:
    return frozenset(registry.resolve({"$ref": f"{name}#{pointer}"}, name)[0]["properties"])


def _sets(node: MapNode, key: str) -> bool:
    """Whether a key has a value that is not empty."""
    value = node.get(key)
    return value is not None and to_python(value) not in (None, "", [], {})


def _unknown_flavors(team: MapNode, flavors: Collection[str], path: KeyPath) -> Iterator[Problem]:
    """Warnings about unknown flavors; another environment may define them."""
    for index, item in enumerate(team.list("flavors")):
        if isinstance(item, Scalar) and not item.dynamic:
            if any(fnmatchcase(name, item.text) for name in flavors):
                continue
            message = f"{'no flavor matches' if '*' in item.text else 'unknown flavor'} `{item.text}`"
            hint = did_you_mean(item.text, flavors) or "define it in configs/platform/flavors.yaml"
            yield Problem.at(item.position, (*path, "flavors", index), "unknown-flavor", message, hint, "warning")
