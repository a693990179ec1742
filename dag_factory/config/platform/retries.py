"""How often a failed try is repeated: a number, a rule of ``retries.yaml`` by name, or a rule's own keys.

The layers leave one value (``layers``, ``count``); where a number was laid over a rule, a map that names the
rule under ``rule``. Here that becomes the keys of the rule that holds, each with its own place.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

from dag_factory.config import model
from dag_factory.config.expressions.compile_time import Context, evaluate
from dag_factory.config.platform import optional_table
from dag_factory.config.platform.optional_table import Table, TableFile
from dag_factory.config.positions import KeyPath
from dag_factory.config.problems import Problem
from dag_factory.config.source.platform_files import PlatformFiles
from dag_factory.config.suggestions import did_you_mean
from dag_factory.config.tree import (
    MapNode,
    Node,
    Scalar,
    as_map,
    entries_of,
    is_set,
    items_of,
    map_node,
    scalars_of,
    text_of,
    whole_number,
)
from dag_factory.config.units import seconds

FILE = "configs/platform/retries.yaml"
RULE = "rule"  # stands in a merged value only, never in a file
_SYNONYMS = {"count": "retries", "maximum": "max_delay"}
# What Kubernetes writes of a pod that failed: into the pod's own status, its conditions, its containers' states.
REASONS = frozenset(
    """OOMKilled Error ContainerCannotRun StartError ContainerStatusUnknown DeadlineExceeded Evicted Preempting
    Shutdown Terminated NodeShutdown NodeLost NodeAffinity UnexpectedAdmissionError OutOfcpu OutOfmemory OutOfpods
    OutOfephemeral-storage ImagePullBackOff ErrImagePull ErrImageNeverPull InvalidImageName ImageInspectError
    RegistryUnavailable SignatureValidationFailed CreateContainerConfigError CreateContainerError
    PreCreateHookError PreStartHookError PostStartHookError RunContainerError CrashLoopBackOff
    PreemptionByScheduler DeletionByTaintManager EvictionByEvictionAPI DeletionByPodGC TerminationByKubelet
    Unschedulable SchedulingGated""".split()
)


def read(platform: PlatformFiles, context: Context) -> TableFile:
    """The table of rules."""
    empty = Table(FILE, "retry rule", ("unknown-retry-rule", "broken-retry-rule"))
    found = optional_table.read_table(platform, empty, "retries.schema.json", "rules", "/$defs/rule", context)
    problems = [*found.problems]
    for name, rule in found.table.known.items():
        problems += check(rule, ("rules", name))
    return TableFile(found.table, found.document, tuple(problems))


def resolve_rule(
    node: Node | None, table: Table, context: Context, path: KeyPath
) -> tuple[Node | None, str, list[Problem]]:
    """The value with a rule's keys in the place of the rule's name, that name, and what is wrong.

    Only names are looked for: what an expression gives beside them is for the whole job's computing.
    """
    own: dict[str, Node] = {}
    name = node
    if isinstance(node, MapNode):
        own = {key: item for key, item in node.entries.items() if key != RULE}
        name = node.get(RULE)
        if isinstance(count := own.get("retries"), Scalar) and isinstance(_value(count, context), str):
            name, own = count, {}  # what stood where a number could was a name
    text = _value(name, context) if isinstance(name, Scalar) else None
    if not isinstance(name, Scalar) or not isinstance(text, str):
        without_name = isinstance(node, MapNode) and RULE in node.entries
        return (map_node(own, node.keys, node.position) if without_name and isinstance(node, MapNode) else node), "", []
    rule = table.find(Scalar(text, text, name.position), path)
    if isinstance(rule, Problem):
        return None, "", [rule]
    keys = node.keys if isinstance(node, MapNode) else {}
    return map_node({**rule.entries, **own}, {**rule.keys, **keys}, name.position), text, []


def _value(node: Scalar, context: Context) -> object:
    """The value, computed where it is an expression; None where that failed, which is told with the job."""
    found, trouble = evaluate(node, context)
    return found.value if isinstance(found, Scalar) and not trouble else None


def check(rule: MapNode, path: KeyPath) -> Iterator[Problem]:
    """What a rule's ``on`` says in vain. Warnings: a cluster may have words of its own."""
    taken: dict[str, int] = {}
    for index, entry in enumerate(rule.list("on")):
        for key in ("reason", "exit_code"):
            for item in scalars_of(as_map(entry).get(key)):
                if item.dynamic:
                    continue
                where = (*path, "on", index, key)
                if key == "reason" and item.text not in REASONS and not item.text.startswith("OutOf"):
                    message, hint = f"`{item.text}` is no reason of Kubernetes'", did_you_mean(item.text, REASONS)
                    yield Problem.at(item.position, where, "unknown-reason", message, hint, "warning")
                if f"{key} {item.text}" in taken:
                    message = f"`{item.text}` never comes here: entry {taken[f'{key} {item.text}']} takes it already"
                    yield Problem.at(
                        item.position, where, "never-matches", message, "the first that fits holds", "warning"
                    )
                taken.setdefault(f"{key} {item.text}", index + 1)


def to_model(node: Node | None, rule: str) -> model.Retries:
    """The model of a settled value; ``rule`` is the name of the rule that holds, or nothing."""
    if isinstance(node, Scalar):
        return model.Retries(count=whole_number(node) or 0)
    values = {_SYNONYMS.get(key, key): item for key, item in entries_of(node).items() if is_set(item)}
    return model.Retries(
        count=whole_number(values.get("retries")) or 0,
        delay=_duration(values.get("delay")),
        backoff=cast(Any, text_of(values.get("backoff")) or "none"),
        max_delay=_duration(values.get("max_delay")),
        rule=rule,
        on=tuple(_outcome(as_map(item)) for item in items_of(values.get("on"))),
    )


def _outcome(entry: MapNode) -> model.Outcome:
    exit_codes = map(whole_number, scalars_of(entry.get("exit_code")))
    return model.Outcome(
        reasons=entry.texts("reason"),
        exit_codes=tuple(code for code in exit_codes if code is not None),
        then=cast(Any, entry.text("then") or ""),
        delay=_duration(entry.get("delay")),
    )


def _duration(node: Node | None) -> int | None:
    return seconds(text_of(node) or "")
