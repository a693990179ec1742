"""Assets: what jobs read and write, and what a schedule waits for.

An asset is the text by which two pipelines mean the same thing. Two spellings of one URI are one asset: it has the
spelling that Airflow stores.
"""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Mapping as MappingT

from dag_factory.config.asset_uris import missing_for_provider, normalize, split_uri
from dag_factory.config.file_results import AssetMention
from dag_factory.config.model import AllOf, AnyOf, Asset, AssetRule
from dag_factory.config.positions import KeyPath
from dag_factory.config.problems import Problem
from dag_factory.config.suggestions import show
from dag_factory.config.tree import ListNode, MapNode, Node, Scalar, at, items_of, text_of

_RESERVED = ("self", "context")


def asset(node: Node) -> Asset:
    """The asset that a node names."""
    if isinstance(node, MapNode):
        name, uri = node.text("name") or "", node.text("uri") or ""
        if name == uri:
            return Asset(name=_stored(uri))
        return Asset(name=name, uri=_stored(uri) or None)
    return Asset(name=_stored(text_of(node) or ""))


def _stored(uri: str) -> str:
    """The URI as Airflow stores it; one that is not valid, which is reported, as it is."""
    try:
        return normalize(uri)
    except ValueError:
        return uri


def assets(node: Node | None) -> tuple[Asset, ...]:
    """The assets of a job's ``inlets`` or ``outlets``."""
    return tuple(dict.fromkeys(map(asset, items_of(node))))


def rule(node: Node) -> AssetRule:
    """What a schedule's ``assets`` says: a list is all of it."""
    if isinstance(node, ListNode):
        return AllOf(of=_rules(node))
    if isinstance(node, MapNode):
        for key, kind in (("any", AnyOf), ("all", AllOf)):
            inner = node.get(key)
            if isinstance(inner, ListNode):
                return kind(of=_rules(inner))
    return asset(node)


def _rules(node: ListNode) -> tuple[AssetRule, ...]:
    return tuple(dict.fromkeys(map(rule, node.items)))


def mentions(tree: MapNode, written: MappingT[str, str]) -> Iterator[AssetMention]:
    """Every asset that a whole pipeline names, each as often as it does; ``written`` has each task's job."""
    yield from _mentions(at(tree, ("schedule", "assets")), ("schedule", "assets"))
    for name, job in tree.map("jobs").entries.items():
        for key in ("inlets", "outlets"):
            yield from _mentions(at(job, (key,)), ("jobs", written.get(name, name), key))


def _mentions(node: Node | None, path: KeyPath) -> Iterator[AssetMention]:
    if isinstance(node, ListNode):
        for index, item in enumerate(node.items):
            yield from _mentions(item, (*path, index))
    elif isinstance(node, MapNode) and "name" not in node.entries:
        for key, item in node.entries.items():
            yield from _mentions(item, (*path, key))
    elif node is not None:
        found = asset(node)
        yield AssetMention(found.name, found.uri or found.name, node.position, path)


def check(node: Node | None, path: KeyPath) -> Iterator[Problem]:
    """What is wrong with the assets below a node, whatever conditions they stand in."""
    if isinstance(node, Scalar):
        if not node.dynamic and isinstance(node.value, str):
            yield from _check(node, path, named=True)
    elif isinstance(node, ListNode):
        for index, item in enumerate(node.items):
            yield from check(item, (*path, index))
    elif isinstance(node, MapNode):
        for key, item in node.entries.items():
            if key == "uri" and isinstance(item, Scalar) and not item.dynamic:
                yield from _check(item, (*path, key), named=False)
            else:
                yield from check(item, (*path, key))


def _check(node: Scalar, path: KeyPath, named: bool) -> Iterator[Problem]:
    text = node.text
    message, hint = "", ""
    if not text.strip():
        message, hint = "an asset's name is not empty", "name it, as orders or s3://sales/orders"
    elif not (text.isascii() and text.isprintable()):
        message, hint = (
            f"{show(text)} is more than ASCII, which is all that Airflow takes here",
            "write it in plain letters",
        )
    elif named and text in _RESERVED:
        message, hint = f"{show(text)} cannot be an asset's name: Airflow keeps it for itself", "choose another name"
    else:
        message, hint = _uri_problem(text)
    if message:
        yield Problem.at(node.position, path, "bad-asset", message, hint)
    elif lacking := missing_for_provider(text):
        message = f"the URI {show(text)} lacks {lacking}; an Airflow with the provider of this scheme rejects it"
        yield Problem.at(node.position, path, "bad-asset", message, "write the whole URI, or another scheme", "warning")


def _uri_problem(text: str) -> tuple[str, str]:
    """Why a text is not valid as a URI, and the fix; nothing where it is, or is a plain name."""
    try:
        normalize(text)
        parts = split_uri(text)
    except ValueError as failure:
        return f"{show(text)} is not a valid URI: {failure}", "write it as `s3://sales/orders`"
    if parts is None:
        return "", ""
    if parts.scheme == "airflow":
        return "the URIs of assets that begin with `airflow:` are Airflow's own", "choose another scheme"
    if parts.password is not None:  # the message does not repeat it
        return "a password stands in an asset's URI", "leave user and password out: the URI is a name, nobody opens it"
    return "", ""
