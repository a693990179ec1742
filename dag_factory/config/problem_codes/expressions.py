"""Problem codes: Expressions and templates."""

from __future__ import annotations

from dag_factory.config.problem_codes.entry import Entry, Section

SECTION = Section(
    "Expressions and templates",
    (
        Entry(
            "bad-expression",
            "`${{ }}` that cannot be read or computed, or costs too much.",
            "See the message.",
        ),
        Entry(
            "bad-template",
            "`{{ }}` that Jinja cannot read, or that would include a file.",
            "See the message. Braces that stay as they are: `{% raw %}...{% endraw %}`.",
        ),
        Entry(
            "dateless-run",
            "A warning: the name has no value in a run without a logical date, which an asset or a request starts.",
            "Use `run_date` or `ds`.",
        ),
        Entry(
            "forbidden-template",
            (
                "`{{ }}` uses a name, an attribute or a statement that is not in the "
                "[vocabulary](decisions/run-time-templates.md)."
            ),
            (
                "The hint says what to use instead. A secret: `env: {NAME: {secret: name/key}}`. An environment "
                "may allow more names."
            ),
        ),
        Entry(
            "no-output",
            "The output of a job that has none is read.",
            "Add `output: json` to that job.",
        ),
        Entry(
            "not-upstream",
            "The output of a job is read that need not have ended.",
            "Add it to `depends_on`.",
        ),
        Entry(
            "text-boolean",
            (
                "A warning: the default of a param is `no`, `yes`, `on` or `off`, which is text and so true in a "
                "condition."
            ),
            "Write `true` or `false`, or `{type: string, default: no}`.",
        ),
        Entry(
            "text-in-script",
            "A warning: any text that a person types into the form would become a part of a shell script.",
            '`env: {TITLE: "{{ params.title }}"}`, and `"$TITLE"` in the script; or give the param an `enum`.',
        ),
        Entry(
            "undefined-name",
            "A name that is not defined there.",
            "The hint says what is.",
        ),
        Entry(
            "unknown-filter",
            "A filter that a template does not have.",
            "See the hint.",
        ),
        Entry(
            "unknown-param",
            "No param of that name.",
            "Declare it under `params`.",
        ),
        Entry(
            "unrendered-template",
            "`{{ }}` where nothing renders it; the text would stay as it is.",
            "Use `${{ }}`, or move it. Braces that stay as they are: `{% raw %}...{% endraw %}`.",
        ),
    ),
)
