"""Kubernetes quantities: ``500m``, ``1.5``, ``64Mi``, ``1e3``."""

from __future__ import annotations

import re
from decimal import ROUND_UP, Decimal

_PATTERN = re.compile(r"([+-]?(?:\d+(?:\.\d*)?|\.\d+))(?:([eE][+-]?\d+)|(n|u|m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)?)")
_SUFFIX = {"": Decimal(1), "n": Decimal("1e-9"), "u": Decimal("1e-6"), "m": Decimal("1e-3")}
_SUFFIX |= {name: Decimal(1000) ** (i + 1) for i, name in enumerate("kMGTPE")}
_SUFFIX |= {f"{name}i": Decimal(1024) ** (i + 1) for i, name in enumerate("KMGTPE")}
_DECIMAL = ("n", "u", "m", "", "k", "M", "G", "T", "P", "E")
_BINARY = ("", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei")
_LARGEST = Decimal(2**63 - 1)

MESSAGE = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"


def parse(text: object) -> Decimal:
    """The number that a quantity means. Raises ValueError, worded as the API does."""
    match = _PATTERN.fullmatch(str(text).strip()) if isinstance(text, (str, int, float)) else None
    if match is None or isinstance(text, bool):
        raise ValueError(MESSAGE)
    number = Decimal(match[1] + match[2]) if match[2] else Decimal(match[1]) * _SUFFIX[match[3] or ""]
    return max(-_LARGEST, min(number, _LARGEST))


def canonical(value: object) -> str:
    """The quantity as the API server returns it: ``0.25`` is ``250m``, ``1024Mi`` is ``1Gi``. Raises ValueError."""
    number, match = parse(value), _PATTERN.fullmatch(str(value).strip())
    assert match
    if (match[3] or "").endswith("i") and abs(number) >= 1024:
        count, power = int(number.to_integral_value(ROUND_UP)), 0
        while count % 1024 == 0 and power < len(_BINARY) - 1:
            count, power = count // 1024, power + 1
        return f"{count}{_BINARY[power]}"
    nano = int((number * 10**9).to_integral_value(ROUND_UP))
    power = -9
    while nano and nano % 1000 == 0 and power < 18:
        nano, power = nano // 1000, power + 3
    if not nano:
        return "0"
    if match[2]:
        return f"{nano}e{power}" if power else str(nano)
    return f"{nano}{_DECIMAL[power // 3 + 3]}"
