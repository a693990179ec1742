"""Problem codes: Pipelines and jobs."""

from __future__ import annotations

from dag_factory.config.problem_codes.entry import Entry, Section

SECTION = Section(
    "Pipelines and jobs",
    (
        Entry(
            "bad-default",
            "A param's default does not fit what the param says of itself.",
            "Change the default or the rule.",
        ),
        Entry(
            "bad-image",
            "A space in an image's name.",
            "Remove the space.",
        ),
        Entry(
            "bad-matrix",
            "A matrix in another form.",
            "See the hint.",
        ),
        Entry(
            "bad-param",
            (
                "A param is no valid JSON Schema; or Python needs too many steps to match its pattern against a "
                "text that somebody may type; or it is too much work to check all params of the file (see "
                "[bounds](decisions/bounds.md))."
            ),
            "Fix the schema, mostly a pattern.",
        ),
        Entry(
            "build-failed",
            "Airflow itself refuses the pipeline.",
            "The message is Airflow's. If it is not clear, it is our bug.",
        ),
        Entry(
            "cell-name-taken",
            "Two cells of a matrix, or a cell and a job, have one name.",
            "Name the cells with `name:`.",
        ),
        Entry(
            "compiler-failed",
            "The compiler stumbled over something in the file that nobody has thought of.",
            "Our bug: please report it with the file. What had a DAG runs on as it last was.",
        ),
        Entry(
            "container-name-taken",
            "Two containers of a pod have one name, or one has the name of the job's own (`base`) or of Airflow's.",
            "Call it otherwise.",
        ),
        Entry(
            "dependency-cycle",
            "Jobs wait for each other in a circle, which is spelled out.",
            "Remove one of the dependencies.",
        ),
        Entry(
            "depends-on-itself",
            "A job waits for itself.",
            "Remove its name from the list.",
        ),
        Entry(
            "duplicate-id",
            "Two files or instances would be the same DAG.",
            "Rename one of the two.",
        ),
        Entry(
            "empty-group",
            "`groups` names a group that no job is in.",
            "Write `group: name` at its jobs, or see the hint.",
        ),
        Entry(
            "empty-matrix",
            "A matrix without a cell.",
            "Give it an axis, or exclude less.",
        ),
        Entry(
            "excludes-nothing",
            "A warning: no cell has the values that `exclude` names.",
            "Correct the values, or leave it out.",
        ),
        Entry(
            "group-name-taken",
            "A group has the name of a job or of another group.",
            "Give it another name.",
        ),
        Entry(
            "invalid-pod",
            (
                "Kubernetes refuses the pod: parts of it exclude each other or belong together, as two sources of "
                "one volume, or `operator: In` without `values`. Checked on the pod with all layers."
            ),
            "The message names both parts.",
        ),
        Entry(
            "last-good-stopped",
            (
                "The file has problems, and the version of it that ran until now breaks a rule that the platform "
                "has tightened since: an image, a flavor, a ceiling, a team. Its DAG has no schedule, and each "
                "task fails before its pod exists."
            ),
            "Correct the file; its message names the rule and its place.",
        ),
        Entry(
            "mount-taken",
            "Two volumes are mounted in one place.",
            "Mount one of them somewhere else.",
        ),
        Entry(
            "nested-for-each",
            "A `for_each` inside a group that has one: Airflow has no list inside a list.",
            "Keep one; make one list of all pairs.",
        ),
        Entry(
            "never-matches",
            "A warning: an earlier entry of `on` takes the reason or the exit code.",
            "Take it out of one of the two.",
        ),
        Entry(
            "no-base-container",
            "`pod` takes the job's own container away.",
            "Say what differs in it.",
        ),
        Entry(
            "no-deadline",
            "A warning: `on_deadline` without a `deadline`.",
            "Add `deadline` to the pipeline.",
        ),
        Entry(
            "no-jobs",
            "Nothing to run.",
            "Add `jobs`, or an image under `defaults`.",
        ),
        Entry(
            "no-local-image",
            (
                "A warning, in the environment `local`: no folder stands for an image, and on this machine "
                "nothing is pulled."
            ),
            "Put its code into `images/`, or add it under `cluster.local.images`.",
        ),
        Entry(
            "octal-mode",
            "A file mode as `0400`, which is decimal 400 in YAML 1.2, or one above `0o777`.",
            "Write `0o400`, or the decimal number 256.",
        ),
        Entry(
            "param-name-taken",
            "By `params_env` two params would be one variable.",
            "Rename one of the two.",
        ),
        Entry(
            "pool-too-small",
            "A job takes more slots than its pool has, so it would never start.",
            "Take fewer slots.",
        ),
        Entry(
            "required-param",
            "A scheduled pipeline has a param without default.",
            "Give it one; a scheduled run has nobody to ask.",
        ),
        Entry(
            "second-container",
            "A warning: `pod` adds a plain container, and the job ends only when that ends too.",
            "Put it under `sidecars`.",
        ),
        Entry(
            "too-many-assets",
            "More than 1,000 assets in one file, or 10,000 mentions of them.",
            "Name what others wait for.",
        ),
        Entry(
            "too-many-cells",
            "A matrix with more cells than are built.",
            "Make it smaller, or use `for_each`.",
        ),
        Entry(
            "too-many-instances",
            "More than 1,000 `instances` in one file.",
            "Divide the file.",
        ),
        Entry(
            "too-many-items",
            "More items in a `for_each` than one run may have.",
            "Fewer items, each with more work.",
        ),
        Entry(
            "too-many-jobs",
            "More than 1,000 jobs.",
            "Divide the pipeline.",
        ),
        Entry(
            "unknown-axis",
            "The matrix has no such axis.",
            "See the hint.",
        ),
        Entry(
            "unknown-channel",
            "No alert channel of that name.",
            "See the hint, or `platform/alerts.yaml`.",
        ),
        Entry(
            "unknown-environment",
            "No environment of that name.",
            "See the hint; environments are the files in `platform/environments/`.",
        ),
        Entry(
            "unknown-flavor",
            "No flavor of that name.",
            "See the hint, or `platform/flavors.yaml`.",
        ),
        Entry(
            "unknown-job",
            "No job of that name here; an environment may have removed it.",
            "See the hint.",
        ),
        Entry(
            "unknown-pool",
            "No pool of that name; Airflow would never start the job, and not say so.",
            "One of `pools` in `platform/flavors.yaml`.",
        ),
        Entry(
            "unknown-preset",
            "No preset of that name.",
            "See the hint, or `platform/presets.yaml`.",
        ),
        Entry(
            "unknown-reason",
            "A warning: no reason that Kubernetes is known to write.",
            "See the hint.",
        ),
        Entry(
            "unknown-retry-rule",
            "No retry rule of that name.",
            "See the hint, or `platform/retries.yaml`.",
        ),
        Entry(
            "unknown-volume",
            "A container mounts a volume that the pod does not have.",
            "Name one of the job's `volumes`.",
        ),
        Entry(
            "volume-name-taken",
            "One name stands for two sources.",
            "Leave `name` out.",
        ),
    ),
)
