"""Nodes for flavors that a team may not use: its pods must neither select nor tolerate them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from dag_factory.config.guard_rules import Guards, OtherNodes, PlatformLayers, Rule
from dag_factory.config.guards.breach import Breach
from dag_factory.config.model import Fragment
from dag_factory.config.positions import KeyPath

_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
_HOST = "kubernetes.io/hostname"  # a label with the name of the node
_PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"


def other_nodes(rule: Rule, others: Iterable[PlatformLayers], own: Iterable[PlatformLayers]) -> OtherNodes:
    """The labels and taints of nodes that only flavors outside the list of ``rule`` use.

    ``others`` are the layers of these flavors, ``own`` the layers that the team may use.
    """
    own = list(own)
    selectors: dict[str, list[str]] = {}
    tolerations: list[Fragment] = []
    for layer in others:
        for key, value in layer.selector.items():
            if all(mine.selector.get(key) != value for mine in own) and value not in selectors.get(key, ()):
                selectors.setdefault(key, []).append(value)
        for toleration in layer.tolerations:
            own_tolerations = (each for mine in own for each in mine.tolerations)
            is_new = toleration.get("key") and toleration not in tolerations
            if is_new and not _any_covers(own_tolerations, toleration):
                tolerations.append(toleration)
    values = {key: tuple(texts) for key, texts in selectors.items()}
    hosts = tuple(dict.fromkeys(layer.selector[_HOST] for layer in own if _HOST in layer.selector))
    return OtherNodes(rule.by, rule.file, rule.line, values, tuple(tolerations), hosts)


def breaches(pod: Fragment, guards: Guards) -> Iterator[Breach]:
    """A breach for each way in which a pod can reach such nodes, or chooses a node by name."""
    for rule in guards.nodes:
        for path, action in _reaches(pod["spec"], rule):
            yield _breach(f"{action}, which is for flavors that {rule.by} may not use", path, rule)
        for path, action in _names(pod["spec"], rule):
            yield _breach(f"{action}, but the flavors of {rule.by} choose the nodes", path, rule)


def _breach(message: str, path: KeyPath, rule: OtherNodes) -> Breach:
    return Breach("node-not-allowed", message, f"remove it; the flavors are listed in {rule.file}:{rule.line}", path)


def _reaches(spec: Fragment, rule: OtherNodes) -> Iterator[tuple[KeyPath, str]]:
    for key, value in (spec.get("nodeSelector") or {}).items():
        if value in rule.selectors.get(key, ()):
            yield ("spec", "nodeSelector", key), f"the pod selects the node label `{key}: {value}`"
    for index, toleration in enumerate(spec.get("tolerations") or ()):
        for other in rule.tolerations:
            if _covers(toleration, other):
                yield ("spec", "tolerations", index), f"the pod tolerates the taint `{other['key']}`"
                break
    for path, term in _terms(spec):
        for index, expression in enumerate(term.get("matchExpressions") or ()):
            selected = _selected(expression, rule.selectors.get(expression.get("key"), ()))
            if selected:
                action = f"the pod selects or prefers the node label `{expression['key']}: {selected[0]}`"
                yield (*path, "matchExpressions", index), action


def _names(spec: Fragment, rule: OtherNodes) -> Iterator[tuple[KeyPath, str]]:
    """Where a pod chooses a node by name."""
    if spec.get("nodeName"):
        yield ("spec", "nodeName"), f"the pod bypasses the scheduler with `nodeName: {spec['nodeName']}`"
    host = (spec.get("nodeSelector") or {}).get(_HOST)
    if host and host not in rule.hosts:
        yield ("spec", "nodeSelector", _HOST), f"the pod chooses the node `{host}`"
    for path, term in _terms(spec):
        for index, one in enumerate(term.get("matchExpressions") or ()):
            if one.get("key") == _HOST and one.get("operator") == "In" and {*one.get("values", ())} - {*rule.hosts}:
                yield (*path, "matchExpressions", index), "the pod chooses a node"
        for index, _ in enumerate(term.get("matchFields") or ()):  # the only field is the node's name
            yield (*path, "matchFields", index), "the pod chooses a node"


def _selected(expression: Fragment, values: tuple[str, ...]) -> list[str]:
    """The values of a label that an expression does not exclude."""
    operator, listed = expression.get("operator"), expression.get("values") or ()
    if operator == "In":
        return [value for value in values if value in listed]
    if operator == "NotIn":
        return [value for value in values if value not in listed]
    return [] if operator == "DoesNotExist" else list(values)


def _terms(spec: Fragment) -> Iterator[tuple[KeyPath, Fragment]]:
    affinity = (spec.get("affinity") or {}).get("nodeAffinity") or {}
    path: KeyPath = ("spec", "affinity", "nodeAffinity")
    for index, term in enumerate((affinity.get(_REQUIRED) or {}).get("nodeSelectorTerms") or ()):
        yield (*path, _REQUIRED, "nodeSelectorTerms", index), term
    for index, preferred in enumerate(affinity.get(_PREFERRED) or ()):
        yield (*path, _PREFERRED, index, "preference"), preferred.get("preference") or {}


def _any_covers(tolerations: Iterable[Fragment], other: Fragment) -> bool:
    return any(_covers(toleration, other) for toleration in tolerations)


def _covers(toleration: Fragment, other: Fragment) -> bool:
    """Whether a toleration may tolerate the taint that ``other`` is for."""
    key, effect = toleration.get("key"), toleration.get("effect")
    if effect and other.get("effect") and effect != other["effect"]:
        return False
    if not key:
        return toleration.get("operator") == "Exists"
    either = "Exists" in (toleration.get("operator"), other.get("operator"))
    return bool(key == other["key"]) and (either or toleration.get("value") == other.get("value"))
