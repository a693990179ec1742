"""Problem codes: Keys and values."""

from __future__ import annotations

from dag_factory.config.problem_codes.entry import Entry, Section

SECTION = Section(
    "Keys and values",
    (
        Entry(
            "always-in-for-each",
            (
                "A job in a group with `for_each` has `trigger_rule: always`. Such a job would start before the "
                "list is known."
            ),
            "Use `all_done`.",
        ),
        Entry(
            "asset-conflict",
            (
                "Warning: another file gives this asset a different name or URI. Airflow treats the two as "
                "different assets, and updates only one of them."
            ),
            "Use the same name and URI in both files.",
        ),
        Entry(
            "bad-address",
            "The value is not a valid email address.",
            "Write an address such as `name@example.com`.",
        ),
        Entry(
            "bad-asset",
            (
                "The name or URI is not valid for an asset. It is a warning if Airflow accepts the URI, but an "
                "Airflow provider for this kind of URI would reject it if it is installed."
            ),
            "Write the form that the message describes.",
        ),
        Entry(
            "bad-channel",
            "An alert channel must have exactly one of `email`, `slack`, `webhook` and `apprise`.",
            "Define one channel for each of them.",
        ),
        Entry(
            "bad-cron",
            (
                "The value is not a valid cron expression, the expression never fires, or it uses random fields "
                "(`R`, `H`)."
            ),
            "Write five fields: minute, hour, day of month, month, day of week.",
        ),
        Entry(
            "bad-date",
            "The value is not a valid date, the year is out of range, or the end is before the start.",
            "Write `2026-01-31` or `2026-01-31T06:00`.",
        ),
        Entry(
            "bad-deadline",
            "The deadline is neither a duration nor a time of day.",
            'Write `deadline: 2h` or `deadline: {by: "07:00"}`.',
        ),
        Entry(
            "bad-duration",
            "The value is not a valid duration.",
            "Write a number with a unit: `30s`, `10m`, `1h30m`, `2d`.",
        ),
        Entry(
            "bad-env",
            "The value of an environment variable must be text or one of the three references.",
            (
                "Write `NAME: text`, or a reference: `{secret: name/key}`, `{config_map: name/key}`, `{field: "
                "metadata.name}`."
            ),
        ),
        Entry(
            "bad-env-from",
            "An item of `env_from` must have exactly one of `secret` and `config_map`.",
            "Write one list item for each source.",
        ),
        Entry(
            "bad-exit-code",
            "The value is not a number that a failed process can have as its exit code.",
            "Write a number from 1 to 255.",
        ),
        Entry(
            "bad-field",
            "The value is not a pod field that Kubernetes can pass to a container.",
            "Write one of the fields in the hint.",
        ),
        Entry(
            "bad-for-each",
            "The items of `for_each` must be a list, a param with the type `array`, or the output of one upstream job.",
            "Write `{list: [DE, FR]}`, `{param: countries}` or `{output: job}`.",
        ),
        Entry(
            "bad-gpu",
            "The value is not a number of GPUs.",
            "Write `gpu: 1`, or `{count: 1, resource: amd.com/gpu}`.",
        ),
        Entry(
            "bad-label",
            "Kubernetes does not accept this text as the value of a label.",
            "Use at most 63 letters, digits, `-`, `_` and `.`. For any other text, use `annotations`.",
        ),
        Entry(
            "bad-name",
            (
                "The name of a file, job, variable or other object contains characters that are not allowed, or "
                "is too long."
            ),
            "Follow the hint: it lists the allowed characters or the limit.",
            automatic="renames a file with a wrong ending, and a table with a similar name.",
        ),
        Entry(
            "bad-path",
            "The path is not absolute, or it leads out of its folder.",
            "Write the form that the message describes.",
        ),
        Entry(
            "bad-pool",
            "The value is not a number of slots.",
            "Write `pools: {gpu: 8}`.",
        ),
        Entry(
            "bad-port",
            "The value is not a valid port.",
            "Write a number from 1 to 65535, or the Kubernetes form `{containerPort: 8080, name: http}`.",
        ),
        Entry(
            "bad-quantity",
            "The value is not a valid Kubernetes quantity.",
            "For CPUs, write `2` or `500m`. For memory and sizes, write a unit: `2Gi`.",
        ),
        Entry(
            "bad-reason",
            "The value is not the reason of a pod status.",
            "Write a reason of Kubernetes, such as `OOMKilled`.",
        ),
        Entry(
            "bad-reference",
            "The reference to a secret or config map does not have the form `name/key`.",
            "Write the name, a slash, and the key.",
        ),
        Entry(
            "bad-registry",
            "The value is not the name of an image registry.",
            "Remove `https://`, a slash at the end, and the tag.",
        ),
        Entry(
            "bad-restart-policy",
            "The `restartPolicy` of a sidecar must be `Always`.",
            "Remove `restartPolicy`. For a container that runs once before the job, use an init container.",
        ),
        Entry(
            "bad-retries",
            "`retries` must be a number, the name of a retry rule, or a map with the keys of a rule.",
            "Write `retries: 3`, `retries: transient` or `{retries: 3, delay: 30s}`.",
        ),
        Entry(
            "bad-retry-rule",
            (
                "An entry of `on` must have exactly one of `reason` and `exit_code`. An entry with `then: fail` must "
                "not have a `delay`."
            ),
            "Write one list item for each reason or exit code.",
        ),
        Entry(
            "bad-schedule",
            "The value is not a valid schedule, or Airflow does not support it.",
            "Write a cron expression, a preset such as `@daily`, `{every: 12h}` or `null`.",
            automatic="writes the suggested word if it differs in a letter or two.",
        ),
        Entry(
            "bad-teardown",
            "`teardown` names a job that does not exist, or a job that is itself a teardown.",
            "Name the job that creates the resource: `{of: create}`.",
        ),
        Entry(
            "bad-time",
            "The value is not a time of day.",
            "Write hours and minutes on a 24-hour clock, each with two digits: `07:00`, `18:30`.",
        ),
        Entry(
            "bad-timezone",
            "The value is not in the IANA time zone database.",
            "Write a name such as `Europe/Berlin`.",
            automatic="writes the suggested word if it differs in a letter or two.",
        ),
        Entry(
            "bad-trigger-rule",
            "The value is not a trigger rule of Airflow.",
            "See the suggestion in the hint.",
            automatic="writes the suggested word if it differs in a letter or two.",
        ),
        Entry(
            "bad-url",
            "The value is not a URL, or it contains an unknown placeholder.",
            "Begin it with `https://`, and use only the placeholders that the message shows.",
        ),
        Entry(
            "bad-value",
            "The value is not one of the allowed values, or it contains a null character.",
            "Write one of the values in the message.",
            automatic="writes the suggested word if it differs in a letter or two, or removes the quotes.",
        ),
        Entry(
            "bad-volume",
            "A volume must have exactly one source, and only keys that apply to that source.",
            "Name one of `pvc`, `secret`, `config_map`, `empty_dir` and `host_path`.",
        ),
        Entry(
            "bad-when",
            "The value is not a condition.",
            "Write a template in quotes, `true` or `false`.",
        ),
        Entry(
            "command-with-script",
            "The job has both `script` and `command`, or both `script` and `args`. A script is the whole command.",
            "Keep `script`, or keep `command` and `args`.",
        ),
        Entry(
            "conflicting-keys",
            "These keys cannot be used together, or one key needs another.",
            "Follow the hint: remove one key, or add the missing one.",
        ),
        Entry(
            "missing-key",
            "A required key is missing.",
            "Add the key that the hint names.",
        ),
        Entry(
            "nested-preset",
            "A preset names other presets.",
            "List all presets in the job or pipeline that uses them.",
        ),
        Entry(
            "old-version",
            "Warning: the file is written in an older version of the language.",
            "Update the file as the hint says.",
        ),
        Entry(
            "repeated-value",
            "A list contains the same value twice.",
            "Remove one of the two.",
        ),
        Entry(
            "reserved-label",
            "The label is reserved: Airflow uses it to find its pods, or this project sets it.",
            "Choose another name.",
        ),
        Entry(
            "rule-after-setup",
            (
                "A job with a `trigger_rule` directly follows a job that has a teardown. Airflow allows only "
                "`all_success` there."
            ),
            "Remove `trigger_rule`, or depend on a later job.",
        ),
        Entry(
            "said-twice",
            "Two keys set the same thing.",
            "Keep one of the two.",
        ),
        Entry(
            "teardown-with-rule",
            "A teardown has a `trigger_rule`. The rule of a teardown is fixed: it also runs if other jobs fail.",
            "Remove `trigger_rule`.",
        ),
        Entry(
            "too-small",
            "A number, text or list is below its minimum. The message names the minimum.",
            "Write a larger value.",
        ),
        Entry(
            "unknown-key",
            "The key is not allowed here.",
            "See the suggestion in the hint.",
            automatic="writes the suggested key if it differs in a letter or two, or the name that the hint gives.",
        ),
        Entry(
            "unknown-version",
            "The installed version of dagwright does not support this version of the language.",
            "Write `version: 1`, or upgrade dagwright with the command in the hint.",
        ),
        Entry(
            "wrong-type",
            "The value has the wrong type, such as text in place of a list.",
            "Write the type that the message names.",
            automatic="removes the quotes if the hint says so.",
        ),
    ),
)
