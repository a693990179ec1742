"""New entries and files of the platform team: flavors, presets, teams, environments and templates."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from dag_factory.config.source.layout import ENVIRONMENTS, PLATFORM
from dag_factory.scaffold.additions.addition import Addition, Entry, yaml_text
from dag_factory.scaffold.additions.project_facts import FLAVORS, PRESETS, TEAMS, Facts
from dag_factory.scaffold.render import render

_TEMPLATES = Path(__file__).parent / "templates"


def new_flavor(name: str, keys: Mapping[str, object]) -> Addition:
    """A flavor with these keys, such as ``cpu`` and ``memory``."""
    entry = Entry(FLAVORS, "flavors", name, dict(keys), "The sizes that jobs can have.")
    steps = (
        f"Use it in a job: `resource_flavor: {name}`.",
        f"dagf flavors {name}   (its size in each environment, and the jobs that use it)",
    )
    return Addition(entry=entry, steps=steps)


def new_preset(name: str, keys: Mapping[str, object]) -> Addition:
    """A preset: keys of jobs under one name."""
    comment = "Sets of keys of jobs. A job names them: `presets: [name]`."
    return Addition(
        entry=Entry(PRESETS, "presets", name, dict(keys), comment, block=True),
        steps=(f"Use it in a job: `presets: [{name}]`.", "dagf explain PIPELINE JOB   (what a job gets from it)"),
    )


def new_team(
    facts: Facts, name: str, namespace: str, flavors: tuple[str, ...], owner: str, require: tuple[str, ...]
) -> Addition:
    """A team: the defaults and limits of the pipelines in a folder."""
    keys: dict[str, object] = {}
    if namespace:
        keys["namespace"] = namespace
    if flavors:
        keys["flavors"] = list(flavors)
    if require:
        keys["require"] = list(require)
    if owner:
        keys["defaults"] = {"pipeline": {"owner": owner}}
    comment = "What the pipelines of a folder get, and what they may use. A team is a folder in configs/pipelines/."
    entry = Entry(TEAMS, "teams", name, keys, comment, block=True)
    folder = facts.home / "configs" / "pipelines" / name
    first = f"dagf new pipeline {name.replace('/', '.')}.NAME   (write the first pipeline of the team)"
    return Addition(
        entry=entry,
        steps=(*(() if any(folder.glob("**/*.yaml")) else (first,)), "dagf check   (who exceeds a limit of the team)"),
    )


def new_environment(
    facts: Facts,
    name: str,
    namespace: str,
    connection: str,
    variables: Mapping[str, object],
    schedules: str,
    timezone: str,
    start_date: str,
) -> Addition:
    """An environment: one Airflow deployment. An empty ``connection`` means that Airflow runs in the cluster."""
    text = render(
        _TEMPLATES,
        "environment.yaml.j2",
        description="",
        variables=[(key, yaml_text(value)) for key, value in variables.items()],
        namespace=yaml_text(namespace),
        in_cluster=not connection,
        connection=yaml_text(connection),
        schedules=schedules,
        timezone=yaml_text(timezone),
        start_date=start_date,
    )
    file = f"{ENVIRONMENTS}/{name}.yaml"
    return Addition(
        {file: text},
        steps=(
            f"Edit {file}: images, limits, and the variables that differ.",
            f"Set DAG_FACTORY_ENV={name} for Airflow: its scheduler, DAG processor, triggerer and workers.",
            f"dagf plan --env {facts.environments[0]}..{name}   (how the pipelines differ)"
            if facts.environments
            else "dagf check   (find errors after each change)",
        ),
    )


def new_template(name: str, kind: str, description: str) -> Addition:
    """The first version of a template of jobs or of pipelines. ``kind`` is `job` or `pipeline`."""
    text = render(_TEMPLATES, f"{kind}-template.yaml.j2", description=yaml_text(description))
    key = "uses" if kind == "job" else "template"
    return Addition(
        {f"{PLATFORM}/templates/{kind}s/{name}/v1.yaml.j2": text},
        steps=(
            f"Use it in a {kind}: `{key}: {name}@v1`, with its inputs under `with`.",
            "Write a change that breaks its users as a new version, v2.yaml.j2 beside v1.yaml.j2.",
        ),
    )
