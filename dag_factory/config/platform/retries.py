"""Retries: a number, the name of a rule of ``retries.yaml``, or the keys of a rule.

Merging the layers of a job leaves one value. If a number was merged over a rule, it is a map with the name of the
rule under ``rule``. Here the name is replaced by the keys of the rule, each with its position.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import msgspec

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
RULE = "rule"  # only in a merged value, never in a file
_OUT_OF_MEMORY = "OOMKilled"
_SYNONYMS = {"count": "retries", "maximum": "max_delay"}
# The reasons that Kubernetes gives for a failed pod: in its status, its conditions and its containers' states.
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
    """Read the table of rules."""
    empty = Table(FILE, "retry rule", ("unknown-retry-rule", "broken-retry-rule"))
    file = optional_table.read_table(platform, empty, "retries.schema.json", "rules", "/$defs/rule", context)
    problems = [*file.problems]
    for name, rule in file.table.known.items():
        problems += check(rule, ("rules", name))
    return TableFile(file.table, file.document, tuple(problems))


def resolve_rule(
    node: Node | None, table: Table, context: Context, path: KeyPath
) -> tuple[Node | None, str, list[Problem]]:
    """Replace the name of a rule by the rule's keys. Returns the value, the name or an empty text, and problems.

    Only the name is computed here. Other expressions are computed with the whole job.
    """
    own: dict[str, Node] = {}
    name = node
    if isinstance(node, MapNode):
        own = {key: item for key, item in node.entries.items() if key != RULE}
        name = node.get(RULE)
        if isinstance(count := own.get("retries"), Scalar) and isinstance(_value(count, context), str):
            name, own = count, {}  # the higher layer has the name of a rule where a number could be
    text = _value(name, context) if isinstance(name, Scalar) else None
    if not isinstance(name, Scalar) or not isinstance(text, str):
        if isinstance(node, MapNode) and RULE in node.entries:
            return map_node(own, node.keys, node.position), "", []
        return node, "", []
    rule = table.find(Scalar(text, text, name.position), path)
    if isinstance(rule, Problem) and text.isdecimal():
        rule = msgspec.structs.replace(rule, hint=f"remove the quotes: `retries: {text}`")
    if isinstance(rule, Problem):
        return None, "", [rule]
    keys = node.keys if isinstance(node, MapNode) else {}
    return map_node({**rule.entries, **own}, {**rule.keys, **keys}, name.position), text, []


def _value(node: Scalar, context: Context) -> object:
    """The value, computed if it is an expression; None if that failed, which is reported with the job."""
    value, failures = evaluate(node, context)
    return value.value if isinstance(value, Scalar) and not failures else None


def check(rule: MapNode, path: KeyPath) -> Iterator[Problem]:
    """Warnings about entries of a rule's ``on`` that have no effect. A cluster may report reasons of its own."""
    matched_by: dict[str, int] = {}
    for index, entry in enumerate(rule.list("on")):
        for key in ("reason", "exit_code"):
            for item in scalars_of(as_map(entry).get(key)):
                if item.dynamic:
                    continue
                item_path = (*path, "on", index, key)
                if key == "reason" and item.text not in REASONS and not item.text.startswith("OutOf"):
                    message, hint = f"unknown Kubernetes reason `{item.text}`", did_you_mean(item.text, REASONS)
                    yield Problem.at(item.position, item_path, "unknown-reason", message, hint, "warning")
                outcome = f"{key} {item.text}"
                if outcome in matched_by:
                    message = f"`{item.text}` is unreachable: entry {matched_by[outcome]} already matches it"
                    hint = "remove one of the two; the first entry that matches applies"
                    yield Problem.at(item.position, item_path, "never-matches", message, hint, "warning")
                matched_by.setdefault(outcome, index + 1)
        yield from _without_out_of_memory(as_map(entry), (*path, "on", index, "then"))


def _without_out_of_memory(entry: MapNode, path: KeyPath) -> Iterator[Problem]:
    """A warning about `then: next_flavor` after other reasons: a larger flavor helps only after out-of-memory."""
    then, reasons = entry.get("then"), scalars_of(entry.get("reason"))
    if not isinstance(then, Scalar) or then.value != "next_flavor" or not reasons:
        return
    if not any(item.dynamic or item.text == _OUT_OF_MEMORY for item in reasons):
        message = f"`then: next_flavor` works only after `{_OUT_OF_MEMORY}`; after other reasons it means `retry`"
        hint = f"write `reason: {_OUT_OF_MEMORY}`, or `then: retry`"
        yield Problem.at(then.position, path, "next-flavor-unused", message, hint, "warning")


def to_model(node: Node | None, rule: str) -> model.Retries:
    """The model of a value from ``resolve_rule``; ``rule`` is the name of its rule, or an empty text."""
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
