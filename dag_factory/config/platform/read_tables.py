"""Read the platform team's tables for one environment.

A flavor with an error affects only the jobs that use it. An error in the environment, or a table of flavors that
cannot be read, stops every pipeline (``Tables.broken``).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import msgspec

from dag_factory.config import budget
from dag_factory.config.guards import read_guards
from dag_factory.config.guards.sizes import flavor_limits
from dag_factory.config.platform import (
    alerts,
    environment_settings,
    environments,
    flavor_table,
    local_images,
    presets,
    retries,
    teams,
    timezones,
)
from dag_factory.config.platform.tables import Tables
from dag_factory.config.problems import errors
from dag_factory.config.source import image_folders
from dag_factory.config.source.platform_files import PlatformFiles
from dag_factory.config.templates.catalog import Catalog
from dag_factory.config.tree import MapNode, at, is_set


@lru_cache(8)
def read_tables(platform: PlatformFiles, environment: str) -> Tables:
    """The tables as ``environment`` has them. Errors in files are in ``Tables.problems``; none is raised.

    They are read once for each state of the files: the process of a task inherits them from the scheduler.
    """
    budget.reset()
    names = platform.environments
    merged = environments.read(platform, environment)
    problems = list(merged.problems)
    if merged.node is None:
        return Tables(environment, names, problems=tuple(problems), broken=True)

    variables, var_problems = environment_settings.compute_vars(merged.node, environment)
    context: dict[str, Any] = {"environment": environment, "vars": variables}
    settings, setting_problems = environment_settings.compute_settings(merged.node, context)
    problems += var_problems
    problems += setting_problems
    problems += timezones.check_timezone(settings.get("timezone"), ("timezone",))

    define = at(merged.node, ("flavors", "define"))
    flavors = flavor_table.read_flavor_table(platform, merged.files, define if is_set(define) else None, context)
    problems += flavors.problems
    if flavors.document is None:
        return Tables(environment, names, vars=variables, problems=tuple(problems), broken=True)
    replacements, replacement_problems = flavor_table.read_replacements(
        at(settings, ("flavors", "replace")), flavors.names
    )
    problems += replacement_problems

    known_presets, presets_document, preset_problems = presets.read(platform)
    retry_rules = retries.read(platform, context)
    channels = alerts.read(platform, context)
    team_table = teams.read(platform, flavors.names)
    documents = {**merged.files, flavor_table.FILE: flavors.document}
    if presets_document:
        documents[presets.FILE] = presets_document
    problems += preset_problems
    for optional in (retry_rules, channels, team_table):
        problems += optional.problems
        if optional.document:
            documents[optional.table.file] = optional.document
    problems += platform.unknown((flavor_table.FILE, presets.FILE, retries.FILE, alerts.FILE, teams.FILE))

    return Tables(
        environment=environment,
        known_environments=names,
        vars=variables,
        cluster=environment_settings.cluster(settings),
        images=environment_settings.local_images(settings),
        mirrors=environment_settings.mirrors(settings),
        pools=flavors.pools,
        flavors=flavors.entries,
        flavor_grants={
            name: flavor_limits.flavor_grant(entry.flavor, read_guards.platform_layers([entry.layer]))
            for name, entry in flavors.entries.items()
        },
        broken_flavors=flavors.broken,
        presets=known_presets,
        run_time_names=frozenset(settings.map("templating").texts("allow")),
        flavor_replacements=replacements,
        retries=retry_rules.table,
        channels=channels.table,
        alerts_enabled=environment_settings.alerts_enabled(settings),
        links=environment_settings.links(settings),
        guards=read_guards.environment_guards(environment, settings),
        teams=team_table.table,
        schedules=settings.scalar("schedules"),
        timezone=settings.scalar("timezone"),
        pipeline_defaults=_defaults(merged.node, "pipeline"),
        environment_job_layer=environment_settings.job_layer(settings),
        job_defaults=_defaults(merged.node, "job"),
        documents=documents,
        catalog=Catalog(platform),
        problems=tuple(problems),
        broken=any(problem.file in merged.files for problem in errors(problems)),
    )


def _defaults(environment: MapNode, kind: str) -> MapNode | None:
    """The defaults as written: each pipeline computes them."""
    defaults = environment.map("defaults").get(kind)
    return defaults if isinstance(defaults, MapNode) else None


def with_image_folders(tables: Tables, platform: PlatformFiles) -> Tables:
    """The tables with the project's folders of images; the environment's own ``images`` override them.

    They are added here because they are not among the files that ``read_tables`` is cached by.
    """
    if tables.environment != image_folders.ENVIRONMENT or not platform.image_folders:
        return tables
    folders = local_images.folder_patterns(platform.image_folders)
    return msgspec.structs.replace(tables, images={**tables.images, **folders, **tables.images})
