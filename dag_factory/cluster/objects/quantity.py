"""Kubernetes quantities: ``500m``, ``1.5``, ``64Mi``, ``1e3``."""

from __future__ import annotations

import re
from decimal import Decimal

_PATTERN = re.compile(r"([+-]?(?:\d+(?:\.\d*)?|\.\d+))(?:([eE][+-]?\d+)|(n|u|m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)?)")
_SUFFIX = {"": Decimal(1), "n": Decimal("1e-9"), "u": Decimal("1e-6"), "m": Decimal("1e-3")}
_SUFFIX |= {name: Decimal(1000) ** (i + 1) for i, name in enumerate("kMGTPE")}
_SUFFIX |= {f"{name}i": Decimal(1024) ** (i + 1) for i, name in enumerate("KMGTPE")}

MESSAGE = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"


def parse(text: object) -> Decimal:
    """The number that a quantity means. Raises ValueError, worded as the API does."""
    match = _PATTERN.fullmatch(str(text).strip()) if isinstance(text, (str, int, float)) else None
    if match is None or isinstance(text, bool):
        raise ValueError(MESSAGE)
    if match[2]:
        return Decimal(match[1] + match[2])
    return Decimal(match[1]) * _SUFFIX[match[3] or ""]
