"""The query parameters of a request, and the options of a DELETE request."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass

from ..objects.store import Object
from . import errors, selectors
from .kinds import Resource


@dataclass(frozen=True)
class DeleteOptions:
    """``grace`` is in seconds. None: the object's own grace period."""

    grace: int | None = None
    uid: str | None = None
    version: str | None = None
    dry_run: bool = False
    propagation: str = ""


def make_matcher(resource: Resource, query: Mapping[str, str]) -> selectors.Match:
    """A test for the objects that the query's label and field selectors select."""
    by_label = selectors.labels(query.get("labelSelector", ""))
    by_field = selectors.fields(query.get("fieldSelector", ""), resource.name)
    return lambda obj: by_label(obj) and by_field(obj)


def delete_options(body: Object | None, query: Mapping[str, str]) -> DeleteOptions:
    """The options of a DeleteOptions body and of the query. The query takes precedence."""
    body = body or {}
    grace = int_param(query, "gracePeriodSeconds")
    conditions = body.get("preconditions") or {}
    grace = grace if grace is not None else body.get("gracePeriodSeconds")
    if grace is not None and (not isinstance(grace, int) or grace < 0):
        raise errors.bad_request("gracePeriodSeconds must be a non-negative integer")
    dry_run = bool(query.get("dryRun") or body.get("dryRun"))
    propagation = query.get("propagationPolicy") or body.get("propagationPolicy") or ""
    return DeleteOptions(grace, conditions.get("uid"), conditions.get("resourceVersion"), dry_run, propagation)


def int_param(query: Mapping[str, str], name: str) -> int | None:
    """An integer parameter of the query, or None. Raises a 400 worded as the API's."""
    text = query.get(name, "")
    if text == "":
        return None
    try:
        return int(text)
    except ValueError as error:
        raise errors.bad_request(f'strconv.ParseInt: parsing "{text}": invalid syntax') from error


def bool_param(query: Mapping[str, str], name: str) -> bool:
    return query.get(name, "").lower() in ("true", "1")


def continue_token(last: Object, version: int) -> str:
    """The token to continue a list after this object."""
    meta = last["metadata"]
    text = json.dumps({"v": "meta.k8s.io/v1", "rv": version, "start": [meta.get("namespace", ""), meta["name"]]})
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def after_token(objects: list[Object], token: str) -> list[Object]:
    """The objects after the one of a token. All objects if the token is empty. Raises a 400."""
    if not token:
        return objects
    try:
        start = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))["start"]
        namespace, name = start
    except (ValueError, KeyError, TypeError) as error:
        raise errors.bad_request("continue key is not valid: illegal base64 data or unknown version") from error
    return [o for o in objects if (o["metadata"].get("namespace", ""), o["metadata"]["name"]) > (namespace, name)]
