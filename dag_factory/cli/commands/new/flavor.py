"""``dagf new flavor``: a size that jobs can have."""

from __future__ import annotations

from pathlib import Path

from dag_factory.cli.commands.new.answers import Answers
from dag_factory.cli.commands.new.finish import finish
from dag_factory.cli.commands.new.names import check_entry
from dag_factory.cli.find_home import find_home
from dag_factory.config.source.yaml_reader import core_value
from dag_factory.scaffold.additions.platform import new_flavor
from dag_factory.scaffold.additions.project_facts import read_facts


def flavor(
    name: str | None,
    cpu: str | None,
    memory: str | None,
    gpu: int | None,
    pool: str | None,
    next_flavor: str | None,
    cost: float | None,
    home: Path | None,
) -> int:
    """Add a flavor to the table of the project."""
    root = find_home(home)
    facts = read_facts(root)
    answers = Answers(name, cpu, memory)
    chosen = answers.required(
        name,
        "NAME",
        "Name of the flavor, such as cpu-small",
        check_entry("flavors.schema.json", "flavors", facts.flavors),
    )
    keys: dict[str, object] = {
        "cpu": core_value(answers.required(cpu, "--cpu", "CPUs, such as 0.5 or 4")),
        "memory": answers.required(memory, "--memory", "Memory, such as 2Gi"),
        "gpu": core_value(answers.optional(str(gpu) if gpu is not None else None, "GPUs; empty for none")),
        "pool": answers.optional(pool, f"Pool ({', '.join(facts.pools) or 'none is defined'}); empty for none"),
        "next": answers.optional(next_flavor, "Larger flavor after the job ran out of memory; empty for none"),
        "cost_per_hour": cost,
    }
    answers.complete()
    return finish(root, new_flavor(chosen, {key: value for key, value in keys.items() if value not in (None, "")}))
