"""The platform team's tables, read for one environment: flavors, pools, and the environment itself.

A flavor with a problem breaks that flavor; an environment with a problem, or a table that cannot be read,
breaks everything that stands on it (``Tables.broken``), since a guess here runs pods in the wrong place.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path as FilePath
from typing import Any

import msgspec

from dag_factory.config import budget, model
from dag_factory.config.expressions.compile_time import Context, evaluate
from dag_factory.config.guard_rules import NONE, Guards
from dag_factory.config.guards import flavor_limits, read_guards
from dag_factory.config.guards.flavor_limits import FlavorGrant
from dag_factory.config.platform import alerts, environments, flavors, local_images, presets, retries, teams, timezones
from dag_factory.config.platform.flavors import FlavorEntry
from dag_factory.config.platform.hardening import harden_sidecar
from dag_factory.config.platform.optional_table import Table
from dag_factory.config.platform.presets import Presets
from dag_factory.config.platform.teams import Team, Teams
from dag_factory.config.positions import KeyPath, Position
from dag_factory.config.problems import Problem, errors
from dag_factory.config.schema.annotations import shape
from dag_factory.config.schema.merge import settle
from dag_factory.config.source import documents, image_folders
from dag_factory.config.source.platform_files import PlatformFiles
from dag_factory.config.source.relocate import relocated
from dag_factory.config.suggestions import did_you_mean
from dag_factory.config.templates.catalog import Catalog
from dag_factory.config.tree import (
    MapNode,
    Node,
    Scalar,
    as_map,
    at,
    entries_of,
    fragment,
    is_set,
    map_node,
    scalar_of,
    text_of,
    to_python,
    whole_number,
    without,
)
from dag_factory.config.units import seconds

FLAVORS_FILE = "configs/platform/flavors.yaml"
_ENVIRONMENT = environments.SCHEMA
_FLAVORS = "flavors.schema.json"


class Tables(msgspec.Struct, frozen=True):
    """What one environment gives to every pipeline."""

    environment: str
    known_environments: tuple[str, ...]
    vars: dict[str, Any] = {}
    cluster: model.Cluster = msgspec.field(default_factory=model.Cluster)
    images: dict[str, str] = {}  # image pattern -> folder, for the local cluster
    mirrors: dict[str, str] = {}  # registry, or registry with a path -> what takes its place
    pools: dict[str, int] = {}
    flavors: dict[str, FlavorEntry] = {}
    flavor_grants: dict[str, FlavorGrant] = {}  # what each flavor gives to a pod
    broken_flavors: frozenset[str] = frozenset()
    presets: Presets = msgspec.field(default_factory=Presets)
    run_time_names: frozenset[str] = frozenset()  # what `{{ }}` may name beyond the vocabulary
    flavor_replacements: dict[str, Scalar] = {}
    retries: Table = msgspec.field(default_factory=lambda: Table("", ""))
    channels: Table = msgspec.field(default_factory=lambda: Table("", ""))
    alerts_enabled: bool = True
    guards: Guards = NONE  # the limits of the environment, and of the team of the pipeline at hand
    teams: Table = msgspec.field(default_factory=lambda: Table("", ""))
    team: Team = msgspec.field(default_factory=Team)  # of the pipeline at hand
    schedules: Scalar | None = None
    timezone: Scalar | None = None
    pipeline_defaults: MapNode | None = None
    environment_job_layer: MapNode | None = None  # what the environment says of all jobs beside their defaults
    job_defaults: MapNode | None = None
    documents: dict[str, MapNode] = {}  # the files behind it, as read
    catalog: Catalog = msgspec.field(default_factory=lambda: Catalog(PlatformFiles(FilePath())))
    problems: tuple[Problem, ...] = ()
    broken: bool = False

    @property
    def namespaces(self) -> tuple[str, ...]:
        """Where pods may run, as far as it is known before a pipeline is: the environment's place and the teams'."""
        teams = [*self.teams.known.values()]
        if isinstance(self.teams, Teams) and isinstance(self.teams.default, MapNode):
            teams.append(self.teams.default)
        said = [self.cluster.namespace, *(team.text("namespace") for team in teams)]
        return tuple(sorted({name for name in said if name and "$" not in name}))

    def harden_xcom_sidecar(self) -> Tables:
        """The tables with what pod security demands of Airflow's own container."""
        level = self.guards.pod_security
        if level is None or level.words[0] != "restricted":
            return self
        sidecar = harden_sidecar(self.cluster.xcom_sidecar)
        return msgspec.structs.replace(self, cluster=msgspec.structs.replace(self.cluster, xcom_sidecar=sidecar))

    def for_team(self, team: Team) -> Tables:
        """The tables as a team's pipeline has them: its defaults over the environment's, all limits together."""
        namespace = team.namespace or self.cluster.namespace
        return msgspec.structs.replace(
            self,
            team=team,
            cluster=msgspec.structs.replace(self.cluster, namespace=namespace),
            guards=self._guards(team),
            pipeline_defaults=teams.merge_defaults(self.pipeline_defaults, team.pipeline_defaults, *teams.PIPELINE),
            job_defaults=teams.merge_defaults(self.job_defaults, team.job_defaults, *teams.JOB),
        )

    def _guards(self, team: Team) -> Guards:
        """All limits together, and what a list of flavors means for the whole pod."""
        guards = read_guards.combine(self.guards, team.guards)
        if not guards.flavors:
            return guards
        offered = (*self.presets.table.values(), self.job_defaults, team.job_defaults)
        return flavor_limits.with_flavor_limits(
            guards, team.guards.limits, self.flavor_grants, read_guards.platform_layers(offered)
        )


@lru_cache(8)
def read_tables(platform: PlatformFiles, environment: str) -> Tables:
    """Every table as ``environment`` sees it. Never raises for what stands in a file.

    Read once for each state of the files: a task's process has them from the scheduler that it was forked from.
    """
    budget.begin()
    names = platform.environments
    read = environments.read(platform, environment)
    document, problems = read.node, list(read.problems)
    context: dict[str, Any] = {"environment": environment, "vars": {}}
    if document is None:
        return Tables(environment, names, problems=tuple(problems), broken=True)
    own, trouble = _vars(document, context)
    context["vars"] = to_python(own)
    problems += trouble
    define = at(document, ("flavors", "define"))  # computed with the table
    define = define if is_set(define) else None
    head = without(document, "vars", "defaults")
    if define:
        said = without(_map_or_empty(head.entries["flavors"], head.position), "define")
        head = map_node({**head.entries, "flavors": said}, head.keys, head.position)
    body, trouble = documents.computed(_settled(head), context, _ENVIRONMENT)
    problems += trouble
    zone = body.get("timezone")
    problems += timezones.check_timezone(zone, ("timezone",))
    table_file = documents.required(platform, FLAVORS_FILE, _FLAVORS)
    written = table_file.node
    problems += table_file.problems
    if written is None:
        return Tables(environment, names, vars=context["vars"], problems=tuple(problems), broken=True)
    table, trouble = documents.computed(without(written, "flavors"), context, _FLAVORS)
    problems += trouble
    pool_nodes = table.map("pools").entries
    pools = {name: slots for name, node in pool_nodes.items() if (slots := whole_number(node)) is not None}
    found_flavors = flavors.merge_definitions(_map_or_empty(written.get("flavors"), written.position), define)
    sized = {name: flavors.compute_size(name, node, context) for name, node in found_flavors.items()}
    found_flavors = {name: node for name, (node, _) in sized.items()}
    checked = [(name, problem) for name, (_, wrong) in sized.items() for problem in wrong]
    checked += flavors.check(found_flavors, pools)
    bad = {name for name, _ in checked} | _wrong_flavors(table_file.problems, found_flavors)
    known_presets, presets_document, found = presets.read(platform)
    problems += found
    files = {**read.files, FLAVORS_FILE: written}
    if presets_document:
        files[presets.FILE] = presets_document
    problems += relocated(dict.fromkeys(problem for _, problem in checked), files)
    optional = {
        "retries": retries.read(platform, context),
        "channels": alerts.read(platform, context),
        "teams": teams.read(platform, found_flavors),
    }
    for one in optional.values():
        problems += one.problems
        files |= {one.table.file: one.document} if one.document else {}
    problems += platform.unknown((FLAVORS_FILE, presets.FILE, *(one.table.file for one in optional.values())))
    replace = _replacements(body, found_flavors, problems)
    usable = {name: flavors.flavor_entry(name, node) for name, node in found_flavors.items() if name not in bad}
    return Tables(
        environment=environment,
        known_environments=names,
        vars=context["vars"],
        cluster=_cluster(body),
        images={
            pattern: folder
            for pattern, node in _local_images(body).items()
            if (folder := as_map(node).text("folder")) is not None
        },
        mirrors={
            prefix: text
            for prefix, node in entries_of(at(body, ("images", "mirrors"))).items()
            if (text := text_of(node)) is not None
        },
        pools=pools,
        flavors=usable,
        flavor_grants={
            name: flavor_limits.flavor_grant(one.flavor, read_guards.platform_layers([one.layer]))
            for name, one in usable.items()
        },
        broken_flavors=frozenset(bad),
        presets=known_presets,
        run_time_names=frozenset(str(word) for word in to_python(body).get("templating", {}).get("allow", ())),
        flavor_replacements=replace,
        retries=optional["retries"].table,
        channels=optional["channels"].table,
        alerts_enabled=to_python(at(body, ("alerts", "enabled")) or body) is not False,
        guards=read_guards.environment_guards(environment, body),
        teams=optional["teams"].table,
        schedules=body.scalar("schedules"),
        timezone=scalar_of(zone),
        pipeline_defaults=_map_or_none(at(document, ("defaults", "pipeline"))),
        environment_job_layer=_job_layer(body),
        job_defaults=_map_or_none(at(document, ("defaults", "job"))),
        documents=files,
        catalog=Catalog(platform),
        problems=tuple(problems),
        broken=any(problem.file in read.files for problem in errors(problems)),
    )


def with_image_folders(tables: Tables, platform: PlatformFiles) -> Tables:
    """The tables with the project's folders of images, which the table of images wins over.

    They are not a part of what is read once for each state of the platform's files.
    """
    if tables.environment != image_folders.ENVIRONMENT or not platform.image_folders:
        return tables
    folders = local_images.folder_patterns(platform.image_folders)
    return msgspec.structs.replace(tables, images={**tables.images, **folders, **tables.images})


def _vars(document: MapNode, context: Context) -> tuple[MapNode, list[Problem]]:
    node = document.get("vars")
    if not isinstance(node, MapNode):
        return _map_or_empty(None, document.position), []
    computed, trouble = evaluate(settle(node, shape(_ENVIRONMENT).child("vars")), context, ("vars",))
    return _map_or_empty(computed, node.position), list(trouble)


def _settled(node: MapNode) -> MapNode:
    return _map_or_empty(settle(node, shape(_ENVIRONMENT)), node.position)


def _wrong_flavors(problems: Iterable[Problem], names: Iterable[str]) -> set[str]:
    """The flavors that problems of the table are about, by their paths; a name may hold dots."""
    found: set[str] = set()
    for path in (problem.path.removeprefix("flavors.") for problem in problems if problem.path.startswith("flavors.")):
        found.add(
            max((name for name in names if f"{path}.".startswith((f"{name}.", f"{name}["))), key=len, default=path)
        )
    return found


def _replacements(body: MapNode, known: dict[str, MapNode], problems: list[Problem]) -> dict[str, Scalar]:
    found: dict[str, Scalar] = {}
    path: KeyPath = ("flavors", "replace")
    for name, node in entries_of(at(body, path)).items():
        target = text_of(node)
        for word, position in ((name, _key_position(body, path, name)), (target, node.position)):
            if word is not None and word not in known:
                message = f"`{word}` is no flavor of the table"
                problems.append(
                    Problem.at(position, (*path, name), "unknown-flavor", message, did_you_mean(word, known))
                )
        if isinstance(node, Scalar) and target is not None:
            found[name] = node
    return found


def _key_position(body: MapNode, path: KeyPath, name: str) -> Position:
    parent = at(body, path)
    return parent.keys[name] if isinstance(parent, MapNode) else body.position


def _job_layer(body: MapNode) -> MapNode:
    policy = at(body, ("images", "pull_policy"))
    said = {"image_pull_policy": policy} if policy is not None else {}
    return map_node(said, {key: node.position for key, node in said.items()}, body.position)


def _cluster(body: MapNode) -> model.Cluster:
    cluster = body.map("cluster")
    interval = cluster.text("startup_check_interval")
    in_cluster = cluster.scalar("in_cluster")
    return model.Cluster(
        namespace=cluster.text("namespace"),
        kubernetes_conn_id=cluster.text("kubernetes_conn_id"),
        in_cluster=bool(in_cluster.value) if in_cluster else None,
        startup_check_interval=_interval(interval) if interval else 1.0,
        xcom_sidecar=_xcom_sidecar(cluster.get("xcom_sidecar")),
    )


def _xcom_sidecar(node: Node | None) -> model.XcomSidecar | None:
    said: dict[str, Any] = fragment(node) if isinstance(node, MapNode) else {}
    return model.XcomSidecar(**said) if said else None


def _interval(text: str) -> float:
    """The one duration that may be milliseconds."""
    return int(text[:-2]) / 1000 if text.endswith("ms") else float(seconds(text) or 1)


def _local_images(body: MapNode) -> dict[str, Node]:
    return entries_of(at(body, ("cluster", "local", "images")))


def _map_or_empty(node: Node | None, position: Position) -> MapNode:
    return node if isinstance(node, MapNode) else map_node({}, {}, position)


def _map_or_none(node: Node | None) -> MapNode | None:
    return node if isinstance(node, MapNode) else None
