"""What a guard reports."""

from __future__ import annotations

import msgspec

from dag_factory.config.positions import KeyPath
from dag_factory.config.problem_codes.code import Code
from dag_factory.config.problems import Severity


class Breach(msgspec.Struct, frozen=True):
    """One rule that a pod breaks.

    ``path`` leads to the value in the pod, for example ``("spec", "containers", 0, "image")``. ``key`` is the key of
    the job that must change, if that is not the key that set this value.
    """

    code: Code
    message: str
    hint: str
    path: KeyPath = ()
    key: str = ""
    severity: Severity = "error"
