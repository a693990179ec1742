"""Problem codes: The file."""

from __future__ import annotations

from dag_factory.config.problem_codes.entry import Entry, Section

SECTION = Section(
    "The file",
    (
        Entry(
            "alias-loop",
            "An alias stands inside its own anchor.",
            "Write the value out.",
        ),
        Entry(
            "bad-key",
            "A key is a list or a map.",
            "Write `key: value`.",
        ),
        Entry(
            "duplicate-key",
            "A key stands twice in a map.",
            "Keep one of the two.",
        ),
        Entry(
            "empty-file",
            "Nothing but comments.",
            "Begin with `version: 1`, or remove the file.",
        ),
        Entry(
            "linked-folder",
            "A folder below `pipelines/` is a link; those are not followed.",
            "Commit the folder itself.",
        ),
        Entry(
            "merge-key",
            "`<<` is YAML 1.1 and is not read.",
            "Put what jobs share under `defaults`.",
        ),
        Entry(
            "missing-file",
            "A file of the platform is not there.",
            "Create it.",
        ),
        Entry(
            "not-a-file",
            "A folder, a pipe or a device where a file should be.",
            "Commit a file.",
        ),
        Entry(
            "not-utf-8",
            "A byte is not UTF-8.",
            "Save the file as UTF-8.",
        ),
        Entry(
            "outside-configs",
            "The file is a link that leads out of `configs/`.",
            "Commit the file itself.",
        ),
        Entry(
            "too-deep",
            "Values are nested more than 40 levels deep.",
            "Flatten them.",
        ),
        Entry(
            "too-large",
            "The file, a text or a number is over its bound.",
            "Divide it; the message names the bound.",
        ),
        Entry(
            "too-many-problems",
            "The file has more problems than are told; the rest of it was not looked at.",
            "Mend the first ones.",
        ),
        Entry(
            "too-many-values",
            (
                "The file is too large once its aliases are expanded, or once its jobs have all that is laid "
                "under them (40,000 maps at most, such as volumes). Sixteen characters of text count as one "
                "value. Or its templates give more text than 3,000,000 steps can read."
            ),
            "Repeat less.",
        ),
        Entry(
            "too-much-work",
            (
                "The file's DAGs would take Airflow too long to build and serialize: more than 3,000,000 units, "
                "of which a job counts 700, a volume 200, a variable from a secret 75, an edge between two jobs "
                "25 ([bounds](decisions/bounds.md))."
            ),
            "Divide the file, or give its jobs fewer volumes, secrets and edges.",
        ),
        Entry(
            "too-slow",
            (
                "The file was not compiled, or its DAG not built, after 10 seconds of processor time. The counted "
                "limits should prevent this. The result is not cached: each pass tries again, and the DAG runs on "
                "as it last was."
            ),
            "Divide the file, and report it.",
        ),
        Entry(
            "unknown-file",
            (
                "A file that nothing reads: beside the tables of the platform, or one by an odd ending in "
                "`pipelines/`; a warning."
            ),
            "Rename it as the hint says, or move it.",
        ),
        Entry(
            "unknown-tag",
            "A YAML tag such as `!!binary`, `!!set` or `!include`, on a value, a key, a list or a map.",
            "Write the value without a tag.",
        ),
        Entry(
            "unquoted-template",
            "`{{ }}` without quotes, which is a map to YAML.",
            "Put the whole value in quotes.",
        ),
        Entry(
            "unreadable",
            "The file or folder cannot be opened.",
            "Check that it exists, and its mode.",
        ),
        Entry(
            "yaml-syntax",
            "No YAML.",
            "Look at the place and just above it: indentation, quotes, brackets.",
        ),
    ),
)
