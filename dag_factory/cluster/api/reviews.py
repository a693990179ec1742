"""Questions about the sender of a request: ``kubectl auth can-i`` and ``kubectl auth whoami``.

The cluster has one user, the holder of the token, who may do everything. A review is answered and not stored.
"""

from __future__ import annotations

from typing import Any

from ..access import CONTEXT
from ..resources import errors, validation

KINDS = {
    ("authentication.k8s.io", "v1", "selfsubjectreviews"): "SelfSubjectReview",
    ("authorization.k8s.io", "v1", "selfsubjectaccessreviews"): "SelfSubjectAccessReview",
    ("authorization.k8s.io", "v1", "selfsubjectrulesreviews"): "SelfSubjectRulesReview",
}
"""The kind of each resource, by group, version and name."""

_GROUPS = ["system:masters", "system:authenticated"]


def kind_at(path: str) -> str | None:
    """The kind of review that this path creates, or None."""
    parts = path.strip("/").split("/")
    return KINDS.get((parts[1], parts[2], parts[3])) if parts[0] == "apis" and len(parts) == 4 else None


def answer(kind: str, body: Any) -> dict[str, Any]:
    """The review with its ``status``. Raises ApiError."""
    review = validation.check_shape(kind, body).object
    group, version = next((group, version) for (group, version, _), each in KINDS.items() if each == kind)
    spec = review.get("spec") or {}
    status: dict[str, Any]
    if kind == "SelfSubjectReview":
        status = {"userInfo": {"username": CONTEXT, "groups": _GROUPS}}
    elif kind == "SelfSubjectAccessReview":
        _check_attributes(spec)
        status = {"allowed": True}
    else:
        if not spec.get("namespace"):
            raise errors.bad_request("no namespace on request")
        status = {
            "resourceRules": [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}],
            "nonResourceRules": [{"verbs": ["*"], "nonResourceURLs": ["*"]}],
            "incomplete": False,
        }
    meta = {"creationTimestamp": None, **review["metadata"]}
    return {"kind": kind, "apiVersion": f"{group}/{version}", "metadata": meta, "spec": spec, "status": status}


def _check_attributes(spec: dict[str, Any]) -> None:
    given = [name for name in ("resourceAttributes", "nonResourceAttributes") if spec.get(name) is not None]
    if len(given) == 1:
        return
    where = "spec.nonResourceAttributes" if given else "spec.resourceAttributes"
    text = (
        "cannot be specified in combination with resourceAttributes"
        if given
        else "exactly one of nonResourceAttributes or resourceAttributes must be specified"
    )
    cause = errors.Cause("FieldValueInvalid", f"Invalid value: null: {text}", where)
    raise errors.invalid("SelfSubjectAccessReview.authorization.k8s.io", "", [cause])
