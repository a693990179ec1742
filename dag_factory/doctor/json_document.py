"""A diagnosis as a JSON document for programs, described by ``schemas/doctor.json``."""

from __future__ import annotations

from typing import Any

import msgspec

from dag_factory.doctor.finding import Diagnosis, Finding

VERSION = 1
"""The version of the document. New keys do not change it; a key that is removed or changes its meaning does."""


def as_json(diagnosis: Diagnosis) -> str:
    """Return the document as indented JSON."""
    return msgspec.json.format(msgspec.json.encode(document(diagnosis))).decode()


def document(diagnosis: Diagnosis) -> dict[str, Any]:
    """Return the document."""
    return {
        "version": VERSION,
        "environments": list(diagnosis.environments),
        "counts": {status: diagnosis.counts[status] for status in ("ok", "warning", "failed", "unknown")},
        "findings": [_finding(one) for one in diagnosis.findings],
    }


def _finding(one: Finding) -> dict[str, Any]:
    return {
        "check": one.check,
        "group": one.group,
        "environment": one.environment or None,
        "status": one.status,
        "subject": one.subject,
        "message": one.message,
        "fix": one.fix,
        "uses": [msgspec.to_builtins(use) for use in one.uses],
    }
