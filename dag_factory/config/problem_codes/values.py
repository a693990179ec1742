"""Problem codes: Keys and values."""

from __future__ import annotations

from dag_factory.config.problem_codes.entry import Entry, Section

SECTION = Section(
    "Keys and values",
    (
        Entry(
            "always-in-for-each",
            "A job of a group with `for_each` has `trigger_rule: always`, so it would not wait for the list.",
            "Use `all_done`.",
        ),
        Entry(
            "asset-conflict",
            (
                "An asset that another file names otherwise; a warning. Airflow takes them for two and lets only "
                "one be updated."
            ),
            "Write it in the same way in both.",
        ),
        Entry(
            "bad-address",
            "No address of a mailbox.",
            "Write `name@example.com`.",
        ),
        Entry(
            "bad-asset",
            (
                "A name or URI that an asset cannot have. A warning for a URI that the provider of its scheme "
                "rejects, where that is installed."
            ),
            "See the message for the form.",
        ),
        Entry(
            "bad-channel",
            "A channel without exactly one of `email`, `slack` and `webhook`.",
            "Make a channel of each way.",
        ),
        Entry(
            "bad-cron",
            "No cron expression, one that never fires, or one of chance.",
            "Five fields: minute, hour, day of month, month, day of week.",
        ),
        Entry(
            "bad-date",
            "No date, or an end before the start.",
            "Write `2026-01-31` or `2026-01-31T06:00`.",
        ),
        Entry(
            "bad-duration",
            "No length of time.",
            "Write a number with its unit: `30s`, `10m`, `1h30m`, `2d`.",
        ),
        Entry(
            "bad-env",
            "An environment variable that is neither text nor one of the three references.",
            "`NAME: text`, or `{secret: name/key}`, `{config_map: name/key}`, `{field: metadata.name}`.",
        ),
        Entry(
            "bad-env-from",
            "A source of variables without, or with two, of `secret` and `config_map`.",
            "One list item for each source.",
        ),
        Entry(
            "bad-exit-code",
            "No exit code of a failure.",
            "A number from 1 to 255.",
        ),
        Entry(
            "bad-field",
            "No field that a pod knows of itself.",
            "One of those in the hint.",
        ),
        Entry(
            "bad-for-each",
            "Items of a `for_each` that are neither a list nor the output of one job upstream.",
            "`{list: [DE, FR]}` or `{output: job}`.",
        ),
        Entry(
            "bad-gpu",
            "No number of cards.",
            "`gpu: 1`, or `{count: 1, resource: amd.com/gpu}`.",
        ),
        Entry(
            "bad-label",
            "A text that Kubernetes refuses in a label.",
            "Up to 63 letters, digits, `-`, `_`, `.`; any text fits in `annotations`.",
        ),
        Entry(
            "bad-name",
            "A name with characters that it cannot have, of a file, a job, a variable ...",
            "The hint says which it may have.",
        ),
        Entry(
            "bad-path",
            "No absolute path, or one that leads out.",
            "See the message for the form.",
        ),
        Entry(
            "bad-pool",
            "No number of slots.",
            "`pools: {gpu: 8}`.",
        ),
        Entry(
            "bad-port",
            "No port.",
            "A number from 1 to 65535, or Kubernetes' `{containerPort: 8080, name: http}`.",
        ),
        Entry(
            "bad-quantity",
            "No amount in Kubernetes' form.",
            "CPU: `2` or `500m`; sizes with a unit: `2Gi`.",
        ),
        Entry(
            "bad-reason",
            "No reason of a pod's status.",
            "A word of Kubernetes, as `OOMKilled`.",
        ),
        Entry(
            "bad-reference",
            "No `name/key` of a secret or config map.",
            "Write the name, a slash, the key.",
        ),
        Entry(
            "bad-registry",
            "No name of a registry.",
            "Without `https://`, a slash at the end, or a tag.",
        ),
        Entry(
            "bad-restart-policy",
            "A sidecar with another `restartPolicy` than `Always`.",
            "Leave it out; what runs once before the job is an init container.",
        ),
        Entry(
            "bad-retries",
            "Neither a number, nor a rule's name, nor a map of a rule's keys.",
            "`retries: 3`, `retries: transient`, or `{retries: 3, delay: 30s}`.",
        ),
        Entry(
            "bad-retry-rule",
            "An entry of `on` without exactly one of `reason` and `exit_code`, or with a wait that never comes.",
            "One list item for each.",
        ),
        Entry(
            "bad-schedule",
            "No schedule, or one that Airflow cannot follow.",
            "A cron expression, a preset, `{every: 12h}`, `null`.",
        ),
        Entry(
            "bad-teardown",
            "A `teardown` names no job, or one that is a teardown itself.",
            "Name the job that sets something up: `{of: create}`.",
        ),
        Entry(
            "bad-timezone",
            "No name in the time zone database.",
            "A name such as `Europe/Berlin`.",
        ),
        Entry(
            "bad-trigger-rule",
            "No trigger rule of Airflow.",
            "See the hint for the one that was meant.",
        ),
        Entry(
            "bad-value",
            "Not one of the values allowed.",
            "The message lists them.",
        ),
        Entry(
            "bad-volume",
            "A volume without exactly one source, or with keys that do not fit it.",
            "One of `pvc`, `secret`, `config_map`, `empty_dir`, `host_path`.",
        ),
        Entry(
            "bad-when",
            "No condition.",
            "A template in quotes, `true` or `false`.",
        ),
        Entry(
            "command-with-script",
            "`command` or `args` beside `script`.",
            "Keep one; a script is the whole command line.",
        ),
        Entry(
            "conflicting-keys",
            "Keys that exclude each other.",
            "Keep one.",
        ),
        Entry(
            "missing-key",
            "A key that is needed.",
            "Add it; the hint says where.",
        ),
        Entry(
            "nested-preset",
            "A preset names presets.",
            "Name both where they are used.",
        ),
        Entry(
            "old-version",
            "A warning: the file is of an older version of the language.",
            "Follow the hint.",
        ),
        Entry(
            "repeated-value",
            "A value stands twice in a list.",
            "Keep one of the two.",
        ),
        Entry(
            "reserved-label",
            "A label that Airflow finds its pods by, or one of the factory's own.",
            "Choose another name.",
        ),
        Entry(
            "rule-after-setup",
            (
                "A job with a `trigger_rule` follows a job that a teardown takes down; Airflow allows "
                "`all_success` alone there."
            ),
            "Leave the rule out, or wait for a job further down.",
        ),
        Entry(
            "said-twice",
            "Two words for the same.",
            "Keep one.",
        ),
        Entry(
            "teardown-with-rule",
            "A teardown has a `trigger_rule`; it runs whatever happened.",
            "Leave the rule out.",
        ),
        Entry(
            "too-small",
            "A number, text or list below its bound.",
            "The message names the bound.",
        ),
        Entry(
            "unknown-key",
            "A key that the language does not have there.",
            "See the hint for the one that was meant.",
        ),
        Entry(
            "unknown-version",
            "A version of the language that this dagwright does not read.",
            "Write `version: 1`, or upgrade with the command in the hint.",
        ),
        Entry(
            "wrong-type",
            "A value of another kind, as text in the place of a list.",
            "The message says what belongs there.",
        ),
    ),
)
