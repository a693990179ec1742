"""Assets: what jobs read and write, and what a schedule waits for.

An asset is the text by which two pipelines mean the same thing. Airflow mends some URIs as it reads them
(a last slash, the order of a query); here such a text is refused, so that what is written is what is meant.
"""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Mapping as MappingT
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from dag_factory.config.model import AllOf, AnyOf, Asset, AssetRule
from dag_factory.config.outcomes import Mention
from dag_factory.config.places import Path
from dag_factory.config.problems import Problem
from dag_factory.config.tree import Mapping, Node, Scalar, Sequence, at, entries
from dag_factory.config.wording import show

_RESERVED = ("self", "context")


def asset(node: Node) -> Asset:
    """The asset that a node names."""
    if isinstance(node, Mapping):
        name, uri = node.entries.get("name"), node.entries.get("uri")
        return Asset(name=_text(name), uri=_text(uri) or None)
    return Asset(name=_text(node))


def assets(node: Node | None) -> tuple[Asset, ...]:
    """The assets of a job's ``inlets`` or ``outlets``."""
    return tuple(asset(item) for item in node.items) if isinstance(node, Sequence) else ()


def rule(node: Node) -> AssetRule:
    """What a schedule's ``assets`` says: a list is all of it."""
    if isinstance(node, Sequence):
        return AllOf(of=tuple(rule(item) for item in node.items))
    if isinstance(node, Mapping):
        for key, kind in (("any", AnyOf), ("all", AllOf)):
            inner = node.entries.get(key)
            if isinstance(inner, Sequence):
                return kind(of=tuple(rule(item) for item in inner.items))
    return asset(node)


def mentions(tree: Mapping, written: MappingT[str, str]) -> Iterator[Mention]:
    """Every asset that a whole pipeline names, each as often as it does; ``written`` has each task's job."""
    yield from _mentions(at(tree, ("schedule", "assets")), ("schedule", "assets"))
    for name, job in entries(tree.entries.get("jobs")).items():
        for key in ("inlets", "outlets"):
            yield from _mentions(at(job, (key,)), ("jobs", written.get(name, name), key))


def _mentions(node: Node | None, path: Path) -> Iterator[Mention]:
    if isinstance(node, Sequence):
        for index, item in enumerate(node.items):
            yield from _mentions(item, (*path, index))
    elif isinstance(node, Mapping) and "name" not in node.entries:
        for key, item in node.entries.items():
            yield from _mentions(item, (*path, key))
    elif node is not None:
        found = asset(node)
        yield Mention(found.name, found.uri or found.name, node.mark, path)


def check(node: Node | None, path: Path) -> Iterator[Problem]:
    """What is wrong with the assets below a node, whatever conditions they stand in."""
    if isinstance(node, Scalar):
        if not node.dynamic and isinstance(node.value, str):
            yield from _check(node, path, named=True)
    elif isinstance(node, Sequence):
        for index, item in enumerate(node.items):
            yield from check(item, (*path, index))
    elif isinstance(node, Mapping):
        for key, item in node.entries.items():
            if key == "uri" and isinstance(item, Scalar) and not item.dynamic:
                yield from _check(item, (*path, key), named=False)
            else:
                yield from check(item, (*path, key))


def _check(node: Scalar, path: Path, named: bool) -> Iterator[Problem]:
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
        yield Problem.at(node.mark, path, "bad-asset", message, hint)


def _uri_problem(text: str) -> tuple[str, str]:
    """Why Airflow would not keep a URI as it is written, with the mend; nothing where it would."""
    try:
        parts = urlsplit(text)
        password = parts.password
    except ValueError as failure:
        return f"{show(text)} is no URI: {failure}", "as s3://sales/orders"
    scheme = parts.scheme.lower()
    if not scheme or scheme.startswith("x-"):
        return "", ""
    if scheme == "airflow":
        return "the URIs of assets that begin with `airflow:` are Airflow's own", "choose another scheme"
    if password is not None:  # the message does not repeat it
        return "a password stands in an asset's URI", "leave user and password out: the URI is a name, nobody opens it"
    kept = urlunsplit(
        parts._replace(
            scheme=scheme,
            path=parts.path.rstrip("/") or "/",
            query=urlencode(sorted(parse_qsl(parts.query))) if parts.query else "",
            fragment="",
        )
    )
    return ("", "") if kept == text else (f"Airflow keeps the URI {show(text)} in another form", f"write `{kept}`")


def _text(node: Node | None) -> str:
    return node.text if isinstance(node, Scalar) else ""
