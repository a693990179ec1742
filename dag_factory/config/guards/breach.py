"""What a guard reports."""

from __future__ import annotations

import msgspec

from dag_factory.config.positions import KeyPath
from dag_factory.config.problem_codes.code import Code
from dag_factory.config.problems import Severity


class Breach(msgspec.Struct, frozen=True):
    """One rule that a pod breaks.

    ``path`` is the place in the pod, as ``("spec", "containers", 0, "image")``. ``key`` is the key of the job that
    must change, where that is not the one that set the value at ``path``.
    """

    code: Code
    message: str
    hint: str
    path: KeyPath = ()
    key: str = ""
    severity: Severity = "error"
