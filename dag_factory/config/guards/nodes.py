"""The nodes of flavors that a team may not use: its pods neither select nor tolerate them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from dag_factory.config.guard_rules import Guards, OtherNodes, PlatformLayers, Rule
from dag_factory.config.guards.breach import Breach
from dag_factory.config.model import Fragment
from dag_factory.config.positions import KeyPath

_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
_HOST = "kubernetes.io/hostname"  # the label that is the node's name
_PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"


def other_nodes(rule: Rule, others: Iterable[PlatformLayers], own: Iterable[PlatformLayers]) -> OtherNodes:
    """What leads only to nodes of ``others``: flavors that are not on the list; ``own`` is what the team may use."""
    own = list(own)
    selectors: dict[str, list[str]] = {}
    tolerations: list[Fragment] = []
    for one in others:
        for key, value in one.selector.items():
            if all(mine.selector.get(key) != value for mine in own) and value not in selectors.get(key, ()):
                selectors.setdefault(key, []).append(value)
        for toleration in one.tolerations:
            mine = (each for nodes in own for each in nodes.tolerations)
            if toleration.get("key") and toleration not in tolerations and not _any_covers(mine, toleration):
                tolerations.append(toleration)
    values = {key: tuple(found) for key, found in selectors.items()}
    hosts = tuple(dict.fromkeys(one.selector[_HOST] for one in own if _HOST in one.selector))
    return OtherNodes(rule.by, rule.file, rule.line, values, tuple(tolerations), hosts)


def breaches(pod: Fragment, guards: Guards) -> Iterator[Breach]:
    """A breach for each way in which a pod reaches such nodes."""
    for rule in guards.nodes:
        for path, what in _reached(pod["spec"], rule):
            yield _breach(f"{what}, and only flavors that {rule.by} may not use run there", path, rule)
        for path, what in _named(pod["spec"], rule):
            yield _breach(f"{what}, which {rule.by} may not: its flavors choose the nodes", path, rule)


def _breach(message: str, path: KeyPath, rule: OtherNodes) -> Breach:
    return Breach("node-not-allowed", message, f"leave it out; the flavors are listed in {rule.file}:{rule.line}", path)


def _reached(spec: Fragment, rule: OtherNodes) -> Iterator[tuple[KeyPath, str]]:
    for key, value in (spec.get("nodeSelector") or {}).items():
        if value in rule.selectors.get(key, ()):
            yield ("spec", "nodeSelector", key), f"the pod selects nodes with `{key}: {value}`"
    for index, toleration in enumerate(spec.get("tolerations") or ()):
        for other in rule.tolerations:
            if _covers(toleration, other):
                yield ("spec", "tolerations", index), f"the pod tolerates the taint `{other['key']}`"
                break
    for path, term in _terms(spec):
        for index, one in enumerate(term.get("matchExpressions") or ()):
            hits = _values(one, rule.selectors.get(one.get("key"), ()))
            if hits:
                what = f"the pod prefers or selects nodes with `{one['key']}: {hits[0]}`"
                yield (*path, "matchExpressions", index), what


def _named(spec: Fragment, rule: OtherNodes) -> Iterator[tuple[KeyPath, str]]:
    """Where a pod names a node, which may be any."""
    if spec.get("nodeName"):
        yield ("spec", "nodeName"), f"the pod goes to the node `{spec['nodeName']}` past the scheduler"
    host = (spec.get("nodeSelector") or {}).get(_HOST)
    if host and host not in rule.hosts:
        yield ("spec", "nodeSelector", _HOST), f"the pod names the node `{host}`"
    for path, term in _terms(spec):
        for index, one in enumerate(term.get("matchExpressions") or ()):
            if one.get("key") == _HOST and one.get("operator") == "In" and {*one.get("values", ())} - {*rule.hosts}:
                yield (*path, "matchExpressions", index), "the pod names a node"
        for index, _ in enumerate(term.get("matchFields") or ()):  # the only field is the node's name
            yield (*path, "matchFields", index), "the pod names a node"


def _values(expression: Fragment, known: tuple[str, ...]) -> list[str]:
    """Those of the known values of a label that an expression does not exclude."""
    operator, values = expression.get("operator"), expression.get("values") or ()
    if operator == "In":
        return [text for text in known if text in values]
    if operator == "NotIn":
        return [text for text in known if text not in values]
    return [] if operator == "DoesNotExist" else list(known)


def _terms(spec: Fragment) -> Iterator[tuple[KeyPath, Fragment]]:
    affinity = (spec.get("affinity") or {}).get("nodeAffinity") or {}
    path: KeyPath = ("spec", "affinity", "nodeAffinity")
    for index, term in enumerate((affinity.get(_REQUIRED) or {}).get("nodeSelectorTerms") or ()):
        yield (*path, _REQUIRED, "nodeSelectorTerms", index), term
    for index, preferred in enumerate(affinity.get(_PREFERRED) or ()):
        yield (*path, _PREFERRED, index, "preference"), preferred.get("preference") or {}


def _any_covers(tolerations: Iterable[Fragment], other: Fragment) -> bool:
    return any(_covers(one, other) for one in tolerations)


def _covers(toleration: Fragment, other: Fragment) -> bool:
    """Whether a toleration may tolerate the taint that ``other`` is made for; its value may not be known."""
    key, effect = toleration.get("key"), toleration.get("effect")
    if effect and other.get("effect") and effect != other["effect"]:
        return False
    if not key:
        return toleration.get("operator") == "Exists"
    either = "Exists" in (toleration.get("operator"), other.get("operator"))
    return bool(key == other["key"]) and (either or toleration.get("value") == other.get("value"))
