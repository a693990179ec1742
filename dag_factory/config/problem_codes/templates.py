"""Problem codes: Pipelines and jobs from templates."""

from __future__ import annotations

from dag_factory.config.problem_codes.entry import Entry, Section

SECTION = Section(
    "Pipelines and jobs from templates",
    (
        Entry(
            "bad-input",
            "A value under `with` does not suit the template's input.",
            "The hint is the input's description.",
        ),
        Entry(
            "bad-template-file",
            "The template's own file is wrong.",
            "Mend the template; for its owner.",
        ),
        Entry(
            "bad-template-name",
            "Not a template's name and version.",
            "Write `name@v1`.",
        ),
        Entry(
            "broken-template",
            "The template has a problem of its own.",
            "See the problems of its file.",
        ),
        Entry(
            "missing-input",
            "An input without default is not given.",
            "Add it under `with`.",
        ),
        Entry(
            "unknown-input",
            "The template has no such input.",
            "See the hint.",
        ),
        Entry(
            "unknown-template",
            "No template of that name and version.",
            "See the hint.",
        ),
        Entry(
            "variable-taken",
            "The variable that a `for_each` gives its item to is one of the job's `env`.",
            "Another name under `as`.",
        ),
    ),
)
