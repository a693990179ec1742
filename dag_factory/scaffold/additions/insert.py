"""Insert an entry into a table of a YAML file."""

from __future__ import annotations

from typing import Any

from dag_factory.edits.change import change
from dag_factory.edits.document import ScalarSyntax, Unreadable, parse
from dag_factory.edits.operations import AddKey, Refused

_NULL = ("", "null", "~")


def insert_entry(text: str, table: str, name: str, value: dict[str, Any], *, block: bool = False) -> str:
    """The text with one more entry at the end of the map ``table``, which is made if it is missing.

    ``block``: one line for each key of the entry, where the map is not in braces. Raises ``Refused`` if the file cannot
    be read, has no map there, or is written in a way that the edit would break.
    """
    try:
        found = parse(text).entry((table,))
    except Unreadable as failure:
        raise Refused("it is not valid YAML; see: dagf check") from failure
    levels = int(block)
    if found is None:
        return change(text, [AddKey((), table, {name: value}, levels=levels + 1)]).text
    if isinstance(found.value, ScalarSyntax) and (found.value.style or found.value.value not in _NULL):
        raise Refused(f"`{table}` is not a map")
    return change(text, [AddKey((table,), name, value, levels=levels)]).text
