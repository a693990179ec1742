"""``dagf new pipeline``: a pipeline with one job, and the folder of its code."""

from __future__ import annotations

from pathlib import Path

from dag_factory.cli.commands.new.answers import Answers
from dag_factory.cli.commands.new.finish import finish
from dag_factory.cli.commands.new.names import check_known, check_pipeline, pipeline_id
from dag_factory.cli.errors import CouldNotRun
from dag_factory.cli.find_home import find_home
from dag_factory.scaffold.additions.pipelines import default_image, new_pipeline
from dag_factory.scaffold.additions.project_facts import read_facts


def pipeline(
    name: str | None,
    image: str | None,
    flavor: str | None,
    description: str | None,
    owner: str | None,
    schedule: str | None,
    home: Path | None,
) -> int:
    """Write a pipeline into the project."""
    root = find_home(home)
    facts = read_facts(root)
    if not facts.flavors:
        raise CouldNotRun("the project has no flavors; add one first: dagf new flavor")
    answers = Answers(name)
    dag_id = pipeline_id(
        answers.required(name, "NAME", "Name of the pipeline, such as growth.churn", check_pipeline(root))
    )
    answers.complete()
    listed = ", ".join(facts.flavors)
    values = {
        "image": answers.optional(image, "Image: a folder in images/, or a full name", default_image(dag_id)),
        "flavor": answers.optional(
            flavor, f"Flavor ({listed})", facts.flavors[0], check_known("flavor", facts.flavors)
        ),
        "description": answers.optional(description, "Description in one sentence"),
        "owner": answers.optional(owner, "Owner, such as a team"),
        "schedule": answers.optional(schedule, 'Schedule, such as "0 6 * * *"; empty: started by hand'),
    }
    return finish(root, new_pipeline(facts, dag_id, **values))
