"""The size of a flavor as plain text, for logs and records."""

from __future__ import annotations

from dag_factory.config.model import Flavor


def flavor_size(flavor: Flavor) -> str:
    """``4 CPU, 16Gi, 1 × nvidia.com/gpu``; an empty string for a flavor that sets no resources."""
    amounts = flavor.limits or flavor.requests
    words = [f"{amounts['cpu']} CPU" if "cpu" in amounts else "", amounts.get("memory", "")]
    words += [f"{flavor.gpu_count} × {flavor.gpu_resource}"] if flavor.gpu_count else []
    return ", ".join(word for word in words if word)
