"""An environment's ceiling: what a single pod may ask for there."""

from __future__ import annotations

from decimal import Decimal

from dag_factory.config.model import Flavor
from dag_factory.config.places import Mark, Path
from dag_factory.config.problems import Problem
from dag_factory.config.tables import Tables
from dag_factory.config.units import quantity


def over_ceiling(flavor: Flavor, tables: Tables, mark: Mark, path: Path) -> list[Problem]:
    """One problem where the flavor asks for more than ``flavors.max`` of the environment."""
    over = _over(flavor, tables)
    if not over:
        return []
    asked = ", ".join(f"{key} {_asked(flavor, key)} (at most {tables.max[key]})" for key in over)
    message = f"the flavor `{flavor.name}` is over the ceiling of the environment `{tables.environment}`: {asked}"
    fitting = [entry.flavor for entry in tables.flavors.values() if not _over(entry.flavor, tables)]
    cards = _size(flavor, "gpu")
    fitting = [other for other in fitting if (_size(other, "gpu") > 0) == (cards > 0)] or fitting
    if fitting:
        best = max(fitting, key=lambda other: (*(_size(other, key) for key in ("gpu", "memory", "cpu")), other.name))
        hint = f"`{best.name}` fits; the ceiling stands in {tables.max_file}"
    else:
        hint = f"no flavor fits under the ceiling in {tables.max_file}"
    return [Problem.at(mark, path, "over-ceiling", message, hint)]


def _over(flavor: Flavor, tables: Tables) -> list[str]:
    return [key for key, limit in tables.max.items() if _size(flavor, key) > (quantity(limit) or Decimal(0))]


def _size(flavor: Flavor, key: str) -> Decimal:
    return quantity(_asked(flavor, key)) or Decimal(0)


def _asked(flavor: Flavor, key: str) -> str:
    if key == "gpu":  # also what was written under a resource's own name
        asked = {**flavor.requests, **flavor.limits}
        return str(sum(int(quantity(amount) or 0) for name, amount in asked.items() if name.endswith("/gpu")))
    name = key.replace("_", "-")
    return flavor.limits.get(name) or flavor.requests.get(name) or "0"
