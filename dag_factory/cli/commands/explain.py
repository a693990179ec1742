"""``dagf explain``: where the values of a pipeline, of a job or of its pod come from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from dag_factory.cli import report, terminal
from dag_factory.cli.commands.find_pipeline import unknown_pipeline
from dag_factory.cli.errors import CouldNotRun
from dag_factory.cli.find_home import find_home
from dag_factory.config.ids import DagId
from dag_factory.explain.explain import (
    NotFound,
    Pipelines,
    explain_field,
    find_pipelines,
    is_task,
    list_fields,
    places_of_explanation,
    places_of_listings,
)
from dag_factory.explain.json_document import explanation_json, listing_json
from dag_factory.explain.model import Place
from dag_factory.explain.text import explanation_text, listing_text
from dag_factory.overview.compiled import open_environments

if TYPE_CHECKING:
    from dag_factory.plan.revisions.blame import Commit


def explain(
    pipeline: str, words: Sequence[str], environments: Sequence[str], home: Path | None, as_json: bool, blame: bool
) -> int:
    """Print the chain of one field in each environment, or all fields.

    ``words`` are the job and the field. A single word that is not a job is a field of the pipeline. ``blame``: with the
    commit of each line.
    """
    root = find_home(home)
    projects = open_environments(root, environments)
    try:
        found = find_pipelines(projects, DagId(pipeline))
        if not found.subjects and not found.broken:
            raise unknown_pipeline(projects, pipeline)
        if not found.subjects:
            if as_json:
                terminal.write(listing_json([], found, "", {}))
                return 1
            return _with_errors(found, root)
        job, field = _job_and_field(found, words)
        if field is not None:
            explanation = explain_field(found, job, field)
            commits = _blame(root, places_of_explanation(explanation)) if blame else {}
            text = explanation_json(explanation, found, commits) if as_json else explanation_text(explanation, commits)
        else:
            listings = list_fields(found, job)
            commits = _blame(root, places_of_listings(listings)) if blame else {}
            title = f"the job {job} in {found.id}" if job else found.id
            text = listing_json(listings, found, job, commits) if as_json else listing_text(listings, title, commits)
    except NotFound as failure:
        raise CouldNotRun(str(failure)) from None
    terminal.write(text)
    if found.broken and not as_json:
        _with_errors(found, root)
    return 1 if found.broken else 0


def _job_and_field(found: Pipelines, words: Sequence[str]) -> tuple[str, str | None]:
    if len(words) == 2:
        return words[0], words[1]
    if not words:
        return "", None
    return (words[0], None) if is_task(found, words[0]) else ("", words[0])


def _blame(root: Path, places: Iterable[Place]) -> dict[tuple[str, int], Commit]:
    """The commits of these lines; nothing, and a remark, if git cannot tell them."""
    from dag_factory.plan.revisions.blame import blame
    from dag_factory.plan.revisions.errors import RevisionError

    try:
        return blame(root, [(place.file, place.line) for place in places])
    except RevisionError as failure:
        terminal.note(f"No commits: {failure}.")
        return {}


def _with_errors(found: Pipelines, root: Path) -> int:
    for one in found.broken:
        report.print_problems(one.problems, root)
        terminal.note(f"{found.id} has errors in {one.environment}, so its values are not explained there.")
    return 1
