"""Whether a name is valid, by the rules of ``dagf check``."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from pathlib import Path

from dag_factory.config.ids import FileId
from dag_factory.config.schema import registry
from dag_factory.config.source.layout import PIPELINES, file_of, is_dag_id
from dag_factory.config.suggestions import did_you_mean

_FILE_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")
_HINT = "use lowercase letters, digits, `-` and `_`; begin with a letter or a digit"


def pipeline_id(text: str) -> str:
    """The id of a pipeline, from an id or from the path of its file."""
    return text.removeprefix(f"{PIPELINES}/").removesuffix(".yaml").strip("/").replace("/", ".")


def check_pipeline(home: Path) -> Callable[[str], str | None]:
    """Return the check of the id of a new pipeline."""

    def check(text: str) -> str | None:
        name = pipeline_id(text)
        if not is_dag_id(name):
            return f"`{text}` is not a valid id of a pipeline, such as growth.churn; {_HINT}"
        file = file_of(FileId(name))
        return f"{file} exists already; choose another name" if (home / file).exists() else None

    return check


def check_file_name(what: str) -> Callable[[str], str | None]:
    """Return the check of a name that becomes a name of a file."""
    return lambda text: None if _FILE_NAME.fullmatch(text) else f"`{text}` is not a valid name of {what}; {_HINT}"


def check_entry(schema: str, table: str, known: Collection[str]) -> Callable[[str], str | None]:
    """Return the check of the name of a new entry in a table. ``known`` are the names that exist."""
    root = registry.documents()[schema]
    rule, _ = registry.resolve(root["properties"][table]["propertyNames"], schema)

    def check(text: str) -> str | None:
        if text in known:
            return f"`{text}` exists already; choose another name"
        if not re.search(rule["pattern"], text) or len(text) > rule.get("maxLength", len(text)):
            return f"`{text}` is not {rule['x-message']}; {rule['x-hint']}"
        return None

    return check


def check_known(what: str, known: Collection[str]) -> Callable[[str], str | None]:
    """Return the check of a name that must exist."""
    return lambda text: None if text in known else f"unknown {what} `{text}`; {did_you_mean(text, known)}"
