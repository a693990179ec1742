"""Problem codes: Expressions and templates."""

from __future__ import annotations

from dag_factory.config.problem_codes.entry import Entry, Section

SECTION = Section(
    "Expressions and templates",
    (
        Entry(
            "bad-expression",
            "A `${{ }}` expression has a syntax error, fails when it is computed, or needs too many steps.",
            "Fix the part that the message names.",
        ),
        Entry(
            "bad-template",
            "A `{{ }}` template has a syntax error, or would include another file.",
            "Fix the part that the message names. To keep braces unchanged, write `{% raw %}...{% endraw %}`.",
        ),
        Entry(
            "dateless-run",
            (
                "Warning: this name has no value in a run without a logical date. A run that an asset event or an "
                "API request starts has no logical date."
            ),
            "Use `run_date` or `ds`.",
        ),
        Entry(
            "forbidden-template",
            (
                "A `{{ }}` template uses a name, an attribute or a statement that is not in the [list of allowed "
                "names](run-time-templates.md). An environment may allow more names."
            ),
            "Use what the hint names. For a secret, write `env: {NAME: {secret: name/key}}`.",
        ),
        Entry(
            "no-output",
            "A job reads the output of a job that has no output.",
            "Add `output: json` to the job whose output is read.",
        ),
        Entry(
            "not-upstream",
            "A job reads the output of a job that it does not wait for.",
            "Add the other job to `depends_on`.",
        ),
        Entry(
            "text-boolean",
            (
                "Warning: the default of a param is `no`, `yes`, `on` or `off`. In YAML 1.2 this is text, and in "
                "`{% if %}` text counts as true."
            ),
            "Write `true` or `false`. If you mean the text, write `{type: string, default: no}`.",
        ),
        Entry(
            "text-in-script",
            (
                "Warning: the script contains a param of type text. A person who triggers the pipeline could enter "
                "shell commands."
            ),
            (
                'Pass the text as a variable: write `env: {TITLE: "{{ params.title }}"}`, and `"$TITLE"` in the '
                "script. Or give the param an `enum`."
            ),
        ),
        Entry(
            "undefined-name",
            "The name is not defined here.",
            "Use one of the names in the hint.",
        ),
        Entry(
            "unknown-filter",
            "Templates have no filter with this name.",
            "See the suggestion in the hint.",
        ),
        Entry(
            "unknown-param",
            "The pipeline has no param with this name.",
            "Declare it under `params`.",
        ),
        Entry(
            "unrendered-template",
            "A `{{ }}` template is in a value that is not rendered. The text would not change.",
            "Use `${{ }}`, or move the template. To keep braces unchanged, write `{% raw %}...{% endraw %}`.",
        ),
    ),
)
