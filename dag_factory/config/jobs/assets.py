"""Assets: data that jobs read and write, and that schedules wait for.

Pipelines refer to an asset by its name or URI. Different spellings of one URI are one asset, in the spelling that
Airflow stores.
"""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Mapping as MappingT
from typing import Any

from dag_factory.config.asset_uris import missing_for_provider, normalize, split_uri
from dag_factory.config.file_results import AssetMention
from dag_factory.config.model import AllOf, AnyOf, Asset, AssetRule
from dag_factory.config.positions import KeyPath
from dag_factory.config.problems import Problem
from dag_factory.config.suggestions import show
from dag_factory.config.tree import ListNode, MapNode, Node, Scalar, at, items_of, text_of

_RESERVED = ("self", "context")


def read_asset(node: Node) -> Asset:
    """The asset that a node names."""
    if isinstance(node, MapNode):
        name, uri = node.text("name") or "", node.text("uri") or ""
        if name == uri:
            return Asset(name=_as_stored(uri))
        return Asset(name=name, uri=_as_stored(uri) or None)
    return Asset(name=_as_stored(text_of(node) or ""))


def _as_stored(uri: str) -> str:
    """The URI as Airflow stores it. A URI that is not valid, which is reported, stays unchanged."""
    try:
        return normalize(uri)
    except ValueError:
        return uri


def read_assets(node: Node | None) -> tuple[Asset, ...]:
    """The assets of a job's ``inlets`` or ``outlets``."""
    return tuple(dict.fromkeys(map(read_asset, items_of(node))))


def read_rule(node: Node) -> AssetRule:
    """The condition under ``assets`` of a schedule; a list means all of its assets."""
    if isinstance(node, ListNode):
        return AllOf(of=_read_rules(node))
    if isinstance(node, MapNode):
        for key, kind in (("any", AnyOf), ("all", AllOf)):
            inner = node.get(key)
            if isinstance(inner, ListNode):
                return kind(of=_read_rules(inner))
    return read_asset(node)


def _read_rules(node: ListNode) -> tuple[AssetRule, ...]:
    return tuple(dict.fromkeys(map(read_rule, node.items)))


def written_rule(rule: AssetRule) -> Any:
    """A condition on assets as the language writes it, as JSON."""
    if isinstance(rule, Asset):
        return rule.name if rule.uri in (None, rule.name) else {"name": rule.name, "uri": rule.uri}
    return {"all" if isinstance(rule, AllOf) else "any": [written_rule(part) for part in rule.of]}


def mentions(tree: MapNode, source_names: MappingT[str, str]) -> Iterator[AssetMention]:
    """Every mention of an asset in a resolved pipeline; ``source_names`` maps tasks to jobs of the file."""
    yield from _mentions_below(at(tree, ("schedule", "assets")), ("schedule", "assets"))
    for name, job in tree.map("jobs").entries.items():
        for key in ("inlets", "outlets"):
            yield from _mentions_below(at(job, (key,)), ("jobs", source_names.get(name, name), key))


def _mentions_below(node: Node | None, path: KeyPath) -> Iterator[AssetMention]:
    if isinstance(node, ListNode):
        for index, item in enumerate(node.items):
            yield from _mentions_below(item, (*path, index))
    elif isinstance(node, MapNode) and "name" not in node.entries:
        for key, item in node.entries.items():
            yield from _mentions_below(item, (*path, key))
    elif node is not None:
        found = read_asset(node)
        yield AssetMention(found.name, found.uri or found.name, node.position, path)


def check(node: Node | None, path: KeyPath) -> Iterator[Problem]:
    """Problems of the assets below a node, inside any conditions."""
    if isinstance(node, Scalar):
        if not node.dynamic and isinstance(node.value, str):
            yield from _check_text(node, path, named=True)
    elif isinstance(node, ListNode):
        for index, item in enumerate(node.items):
            yield from check(item, (*path, index))
    elif isinstance(node, MapNode):
        for key, item in node.entries.items():
            if key == "uri" and isinstance(item, Scalar) and not item.dynamic:
                yield from _check_text(item, (*path, key), named=False)
            else:
                yield from check(item, (*path, key))


def _check_text(node: Scalar, path: KeyPath, named: bool) -> Iterator[Problem]:
    text = node.text
    message, hint = "", ""
    if not text.strip():
        message, hint = "the name of an asset must not be empty", "use a name such as `orders` or `s3://sales/orders`"
    elif not (text.isascii() and text.isprintable()):
        message, hint = (
            f"{show(text)} contains characters that Airflow does not accept here",
            "use only printable ASCII characters",
        )
    elif named and text in _RESERVED:
        message, hint = f"{show(text)} cannot be the name of an asset; Airflow reserves it", "choose another name"
    else:
        message, hint = _uri_problem(text)
    if message:
        yield Problem.at(node.position, path, "bad-asset", message, hint)
    elif lacking := missing_for_provider(text):
        message = (
            f"the URI {show(text)} lacks {lacking}; Airflow rejects it if the provider of this scheme is installed"
        )
        yield Problem.at(
            node.position, path, "bad-asset", message, "write the complete URI, or use another scheme", "warning"
        )


def _uri_problem(text: str) -> tuple[str, str]:
    """A message and a hint if a text is not a valid URI; both empty if it is, or is a plain name."""
    try:
        normalize(text)
        parts = split_uri(text)
    except ValueError as failure:
        return f"{show(text)} is not a valid URI: {failure}", "use a URI such as `s3://sales/orders`"
    if parts is None:
        return "", ""
    if parts.scheme == "airflow":
        return "URIs that begin with `airflow:` are reserved for Airflow", "use another scheme"
    if parts.password is not None:  # the message does not repeat it
        return (
            "the URI of an asset contains a password",
            "remove the user and password; the URI is only a name",
        )
    return "", ""
