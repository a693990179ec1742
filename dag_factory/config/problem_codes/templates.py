"""Problem codes: Job templates and pipeline templates."""

from __future__ import annotations

from dag_factory.config.problem_codes.entry import Entry, Section

SECTION = Section(
    "Job templates and pipeline templates",
    (
        Entry(
            "bad-input",
            "A value under `with` does not match the input of the template.",
            "Change the value. The hint describes the input.",
        ),
        Entry(
            "bad-template-file",
            "The file of the template has an error.",
            "Fix the template, or ask its owner to fix it.",
        ),
        Entry(
            "bad-template-name",
            "The value must be the name and version of a template.",
            "Write `name@v1`.",
        ),
        Entry(
            "broken-template",
            "The template has errors.",
            "Fix the problems of its file first.",
        ),
        Entry(
            "missing-input",
            "A required input is missing.",
            "Add it under `with`.",
        ),
        Entry(
            "unknown-input",
            "The template has no input with this name.",
            "See the suggestion in the hint.",
            automatic="writes the suggested name if a letter is missing, added or swapped.",
        ),
        Entry(
            "unknown-template",
            "There is no template with this name and version.",
            "See the suggestion in the hint.",
            automatic="writes the suggested name if a letter is missing, added or swapped.",
        ),
        Entry(
            "variable-taken",
            "`for_each` sets an environment variable that the job also sets under `env`.",
            "Choose another name under `as`.",
        ),
    ),
)
