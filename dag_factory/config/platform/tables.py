"""What the platform team's tables give to every pipeline in one environment."""

from __future__ import annotations

import re
from pathlib import Path as FilePath
from typing import Any

import msgspec

from dag_factory.config import model
from dag_factory.config.guard_rules import NONE, Guards
from dag_factory.config.guards import read_guards
from dag_factory.config.guards.sizes import flavor_limits
from dag_factory.config.guards.sizes.flavor_limits import FlavorGrant
from dag_factory.config.platform import teams
from dag_factory.config.platform.flavors import FlavorEntry
from dag_factory.config.platform.hardening import harden_sidecar
from dag_factory.config.platform.optional_table import Table
from dag_factory.config.platform.presets import Presets
from dag_factory.config.platform.teams import Team, Teams
from dag_factory.config.problems import Problem
from dag_factory.config.source.platform_files import PlatformFiles
from dag_factory.config.templates.catalog import Catalog
from dag_factory.config.tree import MapNode, Scalar, scalars

_ACCOUNT_KEYS = frozenset({"service_account", "service_accounts", "serviceAccountName"})
_ACCOUNT_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?")  # no pattern and no expression


class Tables(msgspec.Struct, frozen=True):
    """The tables of one environment.

    ``broken`` says that no pipeline may be built on them: with half of the settings, pods could run in the
    wrong place.
    """

    environment: str
    known_environments: tuple[str, ...]
    vars: dict[str, Any] = {}
    cluster: model.Cluster = msgspec.field(default_factory=model.Cluster)
    images: dict[str, str] = {}  # image pattern -> folder, for the local cluster
    mirrors: dict[str, str] = {}  # registry, or registry with a path -> its mirror
    pools: dict[str, int] = {}
    flavors: dict[str, FlavorEntry] = {}
    flavor_grants: dict[str, FlavorGrant] = {}
    broken_flavors: frozenset[str] = frozenset()
    presets: Presets = msgspec.field(default_factory=Presets)
    run_time_names: frozenset[str] = frozenset()  # names that `{{ }}` may use, besides Airflow's
    flavor_replacements: dict[str, Scalar] = {}
    retries: Table = msgspec.field(default_factory=lambda: Table("", ""))
    channels: Table = msgspec.field(default_factory=lambda: Table("", ""))
    alerts_enabled: bool = True
    links: model.Links = model.Links()
    guards: Guards = NONE  # the limits of the environment, and of the current pipeline's team
    teams: Table = msgspec.field(default_factory=lambda: Table("", ""))
    team: Team = msgspec.field(default_factory=Team)  # of the current pipeline
    schedules: Scalar | None = None
    timezone: Scalar | None = None
    pipeline_defaults: MapNode | None = None
    environment_job_layer: MapNode | None = None  # keys of jobs that the environment sets outside `defaults`
    job_defaults: MapNode | None = None
    documents: dict[str, MapNode] = {}  # the trees of the files, by name
    catalog: Catalog = msgspec.field(default_factory=lambda: Catalog(PlatformFiles(FilePath())))
    problems: tuple[Problem, ...] = ()
    broken: bool = False

    @property
    def namespaces(self) -> tuple[str, ...]:
        """The namespaces of pods that are known before a pipeline is: those of the environment and of the teams."""
        nodes = [*self.teams.known.values()]
        if isinstance(self.teams, Teams) and isinstance(self.teams.default, MapNode):
            nodes.append(self.teams.default)
        names = [self.cluster.namespace, *(team.text("namespace") for team in nodes)]
        return tuple(sorted({name for name in names if name and "$" not in name}))

    @property
    def service_accounts(self) -> tuple[str, ...]:
        """The service accounts that the files of the platform name: in layers of jobs, pods and allow lists."""
        found = (
            str(scalar.value)
            for document in self.documents.values()
            for path, scalar in scalars(document)
            if not {*path[-2:]}.isdisjoint(_ACCOUNT_KEYS)
        )
        return tuple(sorted({name for name in found if _ACCOUNT_NAME.fullmatch(name)}))

    def harden_xcom_sidecar(self) -> Tables:
        """The tables with the settings that pod security requires of Airflow's own container."""
        level = self.guards.pod_security
        if level is None or level.words[0] != "restricted":
            return self
        sidecar = harden_sidecar(self.cluster.xcom_sidecar)
        return msgspec.structs.replace(self, cluster=msgspec.structs.replace(self.cluster, xcom_sidecar=sidecar))

    def for_team(self, team: Team) -> Tables:
        """The tables for a pipeline of ``team``: its defaults override the environment's, and all limits apply."""
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
        """The limits of the environment and of the team, and what a list of flavors means for the whole pod."""
        guards = read_guards.combine(self.guards, team.guards)
        if not guards.flavors:
            return guards
        layers = read_guards.platform_layers((*self.presets.table.values(), self.job_defaults, team.job_defaults))
        return flavor_limits.with_flavor_limits(guards, team.guards.limits, self.flavor_grants, layers)
