"""``dagf new environment``: the file of one Airflow deployment."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from pathlib import Path

from dag_factory.cli.commands.new.answers import Answers
from dag_factory.cli.commands.new.finish import finish
from dag_factory.cli.commands.new.names import check_file_name
from dag_factory.cli.find_home import find_home
from dag_factory.config.source.yaml_reader import core_value
from dag_factory.config.tree import Node, text_of, to_python
from dag_factory.scaffold.additions.platform import new_environment
from dag_factory.scaffold.additions.project_facts import Facts, read_facts

IN_CLUSTER = "in-cluster"


def environment(
    name: str | None,
    namespace: str | None,
    connection: str | None,
    in_cluster: bool,
    pairs: Sequence[tuple[str, str]],
    schedules: str | None,
    timezone: str | None,
    home: Path | None,
) -> int:
    """Write an environment. It has every variable of the other ones, because pipelines may use it."""
    root = find_home(home)
    facts = read_facts(root)
    answers = Answers(name, namespace)
    chosen = answers.required(name, "NAME", "Name of the environment, such as prod", check_file_name("an environment"))
    space = answers.required(namespace, "--namespace", "Kubernetes namespace of its pods")
    answers.complete()
    where = answers.optional(
        IN_CLUSTER if in_cluster else connection,
        f"Airflow connection of the cluster, or {IN_CLUSTER} if Airflow runs in it",
        "kubernetes_default",
    )
    given = dict(pairs)
    variables: dict[str, object] = {key: core_value(text) for key, text in given.items()}
    for key, value in _variables(facts).items():
        if key not in given:
            old = text_of(value)
            answer = answers.optional(None, f"Variable {key}", old) if old is not None else None
            variables[key] = core_value(answer) if answer and answer != old else to_python(value)
    return finish(
        root,
        new_environment(
            facts,
            chosen,
            space,
            "" if where == IN_CLUSTER else where,
            variables,
            schedules or "run",
            answers.optional(timezone, "Time zone of schedules", "UTC"),
            datetime.date.today().replace(day=1).isoformat(),
        ),
    )


def _variables(facts: Facts) -> dict[str, Node]:
    """The variables of all environments; of those with several values, one that is not of the local machine."""
    last_local = sorted(facts.variables, key=lambda name: name != "local")
    return {key: value for name in last_local for key, value in facts.variables[name].items()}
