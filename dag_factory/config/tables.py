"""The platform team's tables, read for one environment: flavors, pools, and the environment itself.

A flavor with a problem breaks that flavor; an environment with a problem, or a table that cannot be read,
breaks everything that stands on it (``Tables.broken``), since a guess here runs pods in the wrong place.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any

from dag_factory.config import documents, expressions, flavors, model, schedules
from dag_factory.config.catalogue import Catalogue
from dag_factory.config.expressions import Context, evaluate
from dag_factory.config.flavors import FlavorEntry
from dag_factory.config.layers import settle
from dag_factory.config.located import relocated
from dag_factory.config.places import Mark, Path
from dag_factory.config.problems import Problem, errors, shown
from dag_factory.config.shapes import shape
from dag_factory.config.tree import Mapping, Node, Scalar, at, entries, is_set, mapping, plain, without
from dag_factory.config.units import quantity, seconds
from dag_factory.config.wording import did_you_mean, show

FLAVORS_FILE = "configs/platform/flavors.yaml"
ENVIRONMENTS = "configs/platform/environments"
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")
_ENVIRONMENT = "environment.schema.json"
_FLAVORS = "flavors.schema.json"


@dataclass(frozen=True)
class Tables:
    """What one environment gives to every pipeline."""

    environment: str
    known_environments: tuple[str, ...]
    vars: dict[str, Any] = field(default_factory=dict)
    cluster: model.Cluster = field(default_factory=model.Cluster)
    images: dict[str, str] = field(default_factory=dict)  # image pattern -> folder, for the local cluster
    pull_policy: str | None = None
    pools: dict[str, int] = field(default_factory=dict)
    flavors: dict[str, FlavorEntry] = field(default_factory=dict)
    broken_flavors: frozenset[str] = frozenset()
    replace: dict[str, str] = field(default_factory=dict)
    max: dict[str, str] = field(default_factory=dict)
    max_file: str = ""
    schedules: str = "run"
    timezone: str = "UTC"
    pipeline_defaults: Mapping | None = None
    job_defaults: Mapping | None = None
    documents: dict[str, Mapping] = field(default_factory=dict)  # the files behind it, as read
    catalogue: Catalogue = field(default_factory=lambda: Catalogue(FilePath()))
    problems: tuple[Problem, ...] = ()
    broken: bool = False


def environment_names(home: FilePath) -> tuple[str, ...]:
    """The environments that the project has, sorted."""
    return tuple(sorted(path.stem for path in (home / ENVIRONMENTS).glob("*.yaml") if _NAME.fullmatch(path.stem)))


def misnamed(home: FilePath) -> list[Problem]:
    """Files that look like an environment and are none, for their names."""
    found = []
    for path in sorted((home / ENVIRONMENTS).glob("*.y*ml")):
        if not path.name.startswith(".") and not (path.suffix == ".yaml" and _NAME.fullmatch(path.stem)):
            file, message = shown(f"{ENVIRONMENTS}/{path.name}"), f"{show(path.name)} cannot be an environment's file"
            hint = "name it with lower case letters, digits, `-` and `_`, and end it in .yaml"
            found.append(Problem(file, 0, 0, "bad-name", message, hint=hint))
    return found


def read_tables(home: FilePath, environment: str) -> Tables:
    """Every table as ``environment`` sees it. Never raises for what stands in a file."""
    expressions.begin()
    root = home / "configs"
    names = environment_names(home)
    file = f"{ENVIRONMENTS}/{environment}.yaml"
    document, found = _read(home / file, root, file, _ENVIRONMENT)
    problems = list(found)
    context: dict[str, Any] = {"environment": environment, "vars": {}}
    if document is None:
        return Tables(environment, names, problems=tuple(problems), broken=True)
    own, trouble = _vars(document, context)
    context["vars"] = plain(own)
    problems += trouble
    define = at(document, ("flavors", "define"))  # computed with the table
    head = without(document, "vars", "defaults")
    if define:
        said = without(_as_map(head.entries["flavors"], head.mark), "define")
        head = mapping({**head.entries, "flavors": said}, head.keys, head.mark)
    body, trouble = documents.computed(_settled(head), context, _ENVIRONMENT)
    problems += trouble
    zone = body.entries.get("timezone")
    problems += schedules.check_timezone(zone, ("timezone",))
    written, found = _read(home / FLAVORS_FILE, root, FLAVORS_FILE, _FLAVORS)
    broken = bool(errors(problems)) or written is None
    problems += found
    if written is None:
        return Tables(environment, names, vars=context["vars"], problems=tuple(problems), broken=True)
    table, trouble = documents.computed(without(written, "flavors"), context, _FLAVORS)
    problems += trouble
    pools = {name: slots for name, slots in plain(table).get("pools", {}).items() if isinstance(slots, int)}
    found_flavors = flavors.defined(_as_map(written.entries.get("flavors"), written.mark), define)
    sized = {name: flavors.sized(name, node, context) for name, node in found_flavors.items()}
    found_flavors = {name: node for name, (node, _) in sized.items()}
    checked = [(name, problem) for name, (_, wrong) in sized.items() for problem in wrong]
    checked += flavors.check(found_flavors, pools)
    bad = {name for name, _ in checked} | _wrong_flavors(found, found_flavors)
    files = {file: document, FLAVORS_FILE: written}
    problems += relocated(dict.fromkeys(problem for _, problem in checked), files)
    replace = _replacements(body, found_flavors, problems)
    return Tables(
        environment=environment,
        known_environments=names,
        vars=context["vars"],
        cluster=_cluster(body),
        images={pattern: str(plain(node)["folder"]) for pattern, node in _images(body).items() if is_set(node)},
        pull_policy=_text(at(body, ("images", "pull_policy"))),
        pools=pools,
        flavors={name: flavors.entry(name, node) for name, node in found_flavors.items() if name not in bad},
        broken_flavors=frozenset(bad),
        replace=replace,
        max={
            key: node.text
            for key, node in entries(at(body, ("flavors", "max"))).items()
            if isinstance(node, Scalar) and node.value is not None and quantity(node.text) is not None
        },
        max_file=file,
        schedules=_text(body.entries.get("schedules")) or "run",
        timezone=_text(zone) or "UTC",
        pipeline_defaults=_as_map_or_none(at(document, ("defaults", "pipeline"))),
        job_defaults=_as_map_or_none(at(document, ("defaults", "job"))),
        documents=files,
        catalogue=Catalogue(home),
        problems=tuple(problems),
        broken=broken or bool({problem for problem in errors(problems) if problem.file == file}),
    )


def _read(path: FilePath, root: FilePath, file: str, schema: str) -> tuple[Mapping | None, tuple[Problem, ...]]:
    if not path.exists() and not path.is_symlink():
        message = "this file is missing"
        return None, (Problem(file, 0, 0, "missing-file", message, hint="create it; it begins with `version: 1`"),)
    document = documents.read(path, root, file, schema)
    return document.node, document.problems


def _vars(document: Mapping, context: Context) -> tuple[Mapping, list[Problem]]:
    node = document.entries.get("vars")
    if not isinstance(node, Mapping):
        return _as_map(None, document.mark), []
    computed, trouble = evaluate(settle(node, shape(_ENVIRONMENT).child("vars")), context, ("vars",))
    return _as_map(computed, node.mark), list(trouble)


def _settled(node: Mapping) -> Mapping:
    return _as_map(settle(node, shape(_ENVIRONMENT)), node.mark)


def _wrong_flavors(problems: Iterable[Problem], names: Iterable[str]) -> set[str]:
    """The flavors that problems of the table are about, by their paths; a name may hold dots."""
    found: set[str] = set()
    for path in (problem.path.removeprefix("flavors.") for problem in problems if problem.path.startswith("flavors.")):
        found.add(
            max((name for name in names if f"{path}.".startswith((f"{name}.", f"{name}["))), key=len, default=path)
        )
    return found


def _replacements(body: Mapping, known: dict[str, Mapping], problems: list[Problem]) -> dict[str, str]:
    found: dict[str, str] = {}
    path: Path = ("flavors", "replace")
    for name, node in entries(at(body, path)).items():
        target = _text(node)
        for word, mark in ((name, _key_mark(body, path, name)), (target, node.mark)):
            if word is not None and word not in known:
                message = f"`{word}` is no flavor of the table"
                problems.append(Problem.at(mark, (*path, name), "unknown-flavor", message, did_you_mean(word, known)))
        if target is not None:
            found[name] = target
    return found


def _key_mark(body: Mapping, path: Path, name: str) -> Mark:
    parent = at(body, path)
    return parent.keys[name] if isinstance(parent, Mapping) else body.mark


def _cluster(body: Mapping) -> model.Cluster:
    cluster = entries(body.entries.get("cluster"))
    interval = _text(cluster.get("startup_check_interval"))
    in_cluster = cluster.get("in_cluster")
    return model.Cluster(
        namespace=_text(cluster.get("namespace")),
        kubernetes_conn_id=_text(cluster.get("kubernetes_conn_id")),
        in_cluster=bool(in_cluster.value) if isinstance(in_cluster, Scalar) and in_cluster.value is not None else None,
        startup_check_interval=_interval(interval) if interval else 1.0,
    )


def _interval(text: str) -> float:
    """The one duration that may be milliseconds."""
    return int(text[:-2]) / 1000 if text.endswith("ms") else float(seconds(text) or 1)


def _images(body: Mapping) -> dict[str, Node]:
    return entries(at(body, ("cluster", "local", "images")))


def _text(node: Node | None) -> str | None:
    return node.text if isinstance(node, Scalar) and node.value is not None else None


def _as_map(node: Node | None, mark: Mark) -> Mapping:
    return node if isinstance(node, Mapping) else mapping({}, {}, mark)


def _as_map_or_none(node: Node | None) -> Mapping | None:
    return node if isinstance(node, Mapping) else None
