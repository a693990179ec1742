"""The URI of an asset as Airflow stores it, so that two spellings of one URI are one asset.

Airflow normalizes a URI in the same way, with the rules of the providers that are installed. This module applies the
rules of all providers, so that an asset is the same on every machine.
"""

from __future__ import annotations

from functools import lru_cache
from urllib.parse import SplitResult, parse_qsl, urlencode, urlsplit, urlunsplit

import msgspec

_PRIVATE = "x-"  # the prefix of schemes without a common meaning


class _Table(msgspec.Struct, frozen=True):
    """A table in a database: the stored scheme and port, and the names in the path of its URI."""

    scheme: str
    port: int
    names: tuple[str, ...]


_POSTGRES = _Table("postgres", 5432, ("database", "schema", "table"))
_MYSQL = _Table("mysql", 3306, ("database", "table"))
_TABLES = {
    "postgres": _POSTGRES,
    "postgresql": _POSTGRES,
    "mysql": _MYSQL,
    "mariadb": _MYSQL,
    "trino": _Table("trino", 8080, ("catalog", "schema", "table")),
    "redshift": _Table("redshift", 5439, ("database", "schema", "table")),
}
_BUCKETS = frozenset(("s3", "gs"))


@lru_cache(4096)
def normalize(uri: str) -> str:
    """The URI as Airflow stores it; other text is unchanged.

    Raises ``ValueError`` if the URI is malformed.
    """
    parts = split_uri(uri)
    if not parts:
        return uri
    parts = parts._replace(
        path=parts.path.rstrip("/") or "/",
        query=urlencode(sorted(parse_qsl(parts.query))) if parts.query else "",
        fragment="",
    )
    table = _TABLES.get(parts.scheme)
    return urlunsplit(_of_table(parts, table) if table else parts)


def split_uri(uri: str) -> SplitResult | None:
    """The parts of a URI with the scheme in lower case; None for other text and for private schemes."""
    parts = urlsplit(uri)
    scheme = parts.scheme.lower()
    return parts._replace(scheme=scheme) if scheme and not scheme.startswith(_PRIVATE) else None


def missing_for_provider(uri: str) -> str:
    """What the provider of the scheme requires and the URI lacks; empty if it lacks nothing."""
    parts = split_uri(uri)
    if not parts:
        return ""
    table = _TABLES.get(parts.scheme)
    if parts.scheme in _BUCKETS and not parts.netloc:
        return "a bucket"
    if table and not (parts.netloc and _is_whole(parts, table)):
        return f"a host, and a path of {', '.join(table.names[:-1])} and {table.names[-1]}"
    return ""


def _of_table(parts: SplitResult, table: _Table) -> SplitResult:
    if not parts.netloc or not _is_whole(parts, table):
        return parts
    netloc = parts.netloc if parts.port is not None else f"{parts.netloc.rstrip(':')}:{table.port}"
    path = parts.path
    if table is _POSTGRES:
        _, database, schema, name = path.split("/")
        path = f"/{database}/{schema or 'default'}/{name}"
    return parts._replace(scheme=table.scheme, netloc=netloc, path=path)


def _is_whole(parts: SplitResult, table: _Table) -> bool:
    return parts.path.rstrip("/").count("/") == len(table.names)
