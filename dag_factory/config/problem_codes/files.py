"""Problem codes: Files and YAML syntax."""

from __future__ import annotations

from dag_factory.config.problem_codes.entry import Entry, Section

SECTION = Section(
    "Files and YAML syntax",
    (
        Entry(
            "alias-loop",
            "An alias refers to the anchor that contains it.",
            "Write the value instead of the alias.",
        ),
        Entry(
            "bad-key",
            "A key is a list or a map. A key must be a single value, such as a name.",
            "Write `key: value`.",
        ),
        Entry(
            "duplicate-key",
            "A map has the same key twice.",
            "Remove one of the two; the message names the line of the first.",
        ),
        Entry(
            "empty-file",
            "The file is empty or contains only comments.",
            "Begin the file with `version: 1`, or remove it.",
        ),
        Entry(
            "linked-folder",
            "A folder below `pipelines/` is a symbolic link. Links to folders are not followed.",
            "Commit the folder itself.",
        ),
        Entry(
            "merge-key",
            "The file uses the merge key `<<`. It belongs to YAML 1.1, and this project reads YAML 1.2.",
            "Put the keys that jobs share under `defaults`.",
        ),
        Entry(
            "missing-file",
            "A required platform file does not exist.",
            "Create the file. It begins with `version: 1`.",
        ),
        Entry(
            "not-a-file",
            "A folder, a pipe or a device has the name of a configuration file.",
            "Commit a regular file.",
        ),
        Entry(
            "not-utf-8",
            "The file contains a byte that is not valid UTF-8.",
            "Save the file as UTF-8.",
        ),
        Entry(
            "outside-configs",
            "The file is a symbolic link to a place outside `configs/`.",
            "Commit the file itself.",
        ),
        Entry(
            "too-deep",
            "A value is nested more than 40 levels deep, or a folder is too deep below `pipelines/`.",
            "Flatten the value, or move the folder up.",
        ),
        Entry(
            "too-large",
            "A file, a text, a list or a number exceeds its limit. The message names the limit.",
            "Make the value smaller. Split the file into several files.",
        ),
        Entry(
            "too-many-problems",
            "The file has more problems than are reported. The rest of the file was not checked.",
            "Fix the reported problems, then check again.",
        ),
        Entry(
            "too-many-values",
            (
                "The file contains too many values: more than 100,000 after its aliases are expanded, or more than "
                "500,000 values or 40,000 maps after all layers are merged into its jobs. A text counts as one value "
                "for each 16 characters, and each volume is a map. The other cause is a template: reading the YAML "
                "that it produces needs more than 3,000,000 steps."
            ),
            "Split the file. Move less into `defaults` and presets, and use fewer aliases.",
        ),
        Entry(
            "too-much-work",
            (
                "Airflow would take too long to build and serialize the DAGs of the file. The limit is 3,000,000 "
                "units: a job counts 700, a volume 200, a variable from a secret 75, and a dependency between two "
                "jobs 25 (see [bounds](decisions/bounds.md))."
            ),
            "Split the file, or give its jobs fewer volumes, secrets and dependencies.",
        ),
        Entry(
            "too-slow",
            (
                "It took more than 10 seconds of processor time to compile the file or to build its DAG. The "
                "other limits should prevent this. The result is not cached: each pass tries again, and the DAG "
                "keeps running its last good version."
            ),
            "Split the file, and report this as a bug.",
        ),
        Entry(
            "unknown-file",
            (
                "Warning: the file is not used. It is in `platform/` but does not have the name of a platform file, "
                "or it is in `pipelines/` but its name does not end in `.yaml`."
            ),
            "Rename the file as the hint says, or move it.",
        ),
        Entry(
            "unknown-tag",
            (
                "A value, key, list or map has a YAML tag such as `!!binary`, `!!set` or `!include`. Tags are not "
                "supported."
            ),
            "Remove the tag.",
        ),
        Entry(
            "unquoted-template",
            "A `{{ }}` template has no quotes. YAML reads it as a map.",
            "Put the whole value in quotes.",
            automatic="puts the template in quotes.",
        ),
        Entry(
            "unreadable",
            "The file or folder cannot be opened.",
            "Check that it exists, and check its permissions.",
        ),
        Entry(
            "yaml-syntax",
            "The file is not valid YAML.",
            "Check the indentation, quotes and brackets at the position and in the lines above it.",
        ),
    ),
)
