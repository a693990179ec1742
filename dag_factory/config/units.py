"""Durations and Kubernetes quantities as numbers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from functools import lru_cache

_DURATION = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")
_QUANTITY = re.compile(r"([-+]?[0-9]+(?:\.[0-9]*)?|[-+]?\.[0-9]+)(?:([KMGTPE]i|[numkMGTPE])|[eE]([-+]?[0-9]+))?")
_SUFFIX: dict[str | None, Decimal] = {
    None: Decimal(1),
    **{unit: Decimal(1024) ** power for power, unit in enumerate(("Ki", "Mi", "Gi", "Ti", "Pi", "Ei"), 1)},
    **{
        unit: Decimal(1000) ** power for power, unit in enumerate(("n", "u", "m", "", "k", "M", "G", "T", "P", "E"), -3)
    },
}


def seconds(text: str) -> int | None:
    """``1h30m`` as seconds, or None if the text is not a valid duration. Units: d, h, m, s, in this order."""
    match = _DURATION.fullmatch(text)
    if not text or not match:
        return None
    days, hours, minutes, rest = (int(part or 0) for part in match.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + rest


def duration_text(number: int) -> str:
    """Seconds as ``1h30m``: the inverse of ``seconds``."""
    text = ""
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        count, number = divmod(number, size)
        text += f"{count}{unit}" if count else ""
    return text or "0s"


def size_text(amounts: Mapping[str, str]) -> str:
    """The limits or the requests of a container in short: ``4 CPU, 16Gi, 1 × nvidia.com/gpu``."""
    words = [
        f"{amounts['cpu']} CPU" if "cpu" in amounts else "",
        amounts.get("memory", ""),
        *(f"{number} × {name}" for name, number in amounts.items() if "/" in name),
        f"{amounts['ephemeral-storage']} disk" if "ephemeral-storage" in amounts else "",
    ]
    return ", ".join(word for word in words if word)


@lru_cache(4096)
def quantity(text: str) -> Decimal | None:
    """A Kubernetes quantity in its base unit (cores, bytes, pieces), or None if the text is not valid."""
    match = _QUANTITY.fullmatch(text)
    if not match:
        return None
    number, suffix, exponent = match.groups()
    return Decimal(number) * (Decimal(10) ** int(exponent) if exponent else _SUFFIX[suffix])


def quantity_text(number: Decimal) -> str:
    """A number in its base unit as a short Kubernetes quantity: ``2.5``, ``1536Mi``."""
    if number >= 1024 and number == number.to_integral_value():
        for unit in ("Ti", "Gi", "Mi", "Ki"):
            if not number % _SUFFIX[unit]:
                return f"{number / _SUFFIX[unit]:f}{unit}"
    return f"{number.normalize():f}"
