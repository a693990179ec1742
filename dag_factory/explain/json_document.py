"""Explanations as JSON, in a documented form with a version. See ``docs/explain.md``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from dag_factory.explain.explain import Listing, Pipelines
from dag_factory.explain.model import Explanation, Notes

VERSION = 1


def explanation_json(explanation: Explanation, pipelines: Pipelines, blame: Notes) -> str:
    """One field with its chains."""
    found: dict[str, Any] = msgspec.to_builtins(explanation)
    environments = found.pop("chains")
    return _document({**_head(pipelines), **found, "environments": environments}, blame)


def listing_json(listings: Sequence[Listing], pipelines: Pipelines, job: str, blame: Notes) -> str:
    """All fields with their origins."""
    environments = [msgspec.to_builtins(one) for one in listings]
    names = {one.environment for one in listings}
    missing = [one.environment for one in pipelines.subjects if one.environment not in names]
    without = [*pipelines.without, *missing]
    return _document({**_head(pipelines), "job": job, "without": without, "environments": environments}, blame)


def _head(pipelines: Pipelines) -> dict[str, Any]:
    broken = [
        {"environment": one.environment, "problems": msgspec.to_builtins(one.problems)} for one in pipelines.broken
    ]
    return {"version": VERSION, "pipeline": pipelines.id, "errors": broken}


def _document(document: dict[str, Any], blame: Notes) -> str:
    _add_blame(document, blame)
    return msgspec.json.format(msgspec.json.encode(document, enc_hook=str)).decode()


def _add_blame(value: Any, blame: Notes) -> None:
    if isinstance(value, dict):
        place = value.get("place")
        if isinstance(place, dict) and (known := blame.get((place.get("file", ""), place.get("line", 0)))):
            place["blame"] = msgspec.to_builtins(known)
        for key, item in value.items():
            if key != "value":
                _add_blame(item, blame)
    elif isinstance(value, (list, tuple)):
        for item in value:
            _add_blame(item, blame)
