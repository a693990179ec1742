"""Problem codes: Pipelines and jobs."""

from __future__ import annotations

from dag_factory.config.problem_codes.entry import Entry, Section

SECTION = Section(
    "Pipelines and jobs",
    (
        Entry(
            "bad-default",
            "The default of a param does not match the schema of the param, or is too large.",
            "Change the default or the schema.",
        ),
        Entry(
            "bad-image",
            "The name of an image contains a space.",
            "Remove the space.",
        ),
        Entry(
            "bad-matrix",
            "The value is not a valid `matrix`.",
            "Write the form in the hint.",
        ),
        Entry(
            "bad-param",
            (
                "There are three causes. The schema of a param is not valid JSON Schema, or names a `format` that does "
                "not exist. Its pattern takes exponential time on some input, so the Airflow UI would hang. Checking "
                "all params of the file takes too long (see [bounds](decisions/bounds.md))."
            ),
            "Fix the schema. The usual cause is a pattern with nested quantifiers, such as `(a+)+`.",
        ),
        Entry(
            "build-failed",
            "Airflow rejects the pipeline.",
            "Fix what Airflow's message names. If the message is not clear, report a bug.",
        ),
        Entry(
            "cell-name-taken",
            "Two cells of a matrix have the same name, or a cell has the name of a job.",
            "Set `name` in the matrix so that each cell has a different name.",
        ),
        Entry(
            "compiler-failed",
            "The compiler failed with an internal error on this file. Its DAG keeps running the last good version.",
            "Report a bug, and attach the file.",
        ),
        Entry(
            "container-name-taken",
            (
                "Two containers of a pod have the same name. Or a container has the name of the job's own "
                "container (`base`) or of Airflow's sidecar."
            ),
            "Give the container another name.",
        ),
        Entry(
            "dependency-cycle",
            "Jobs depend on each other in a cycle. The message shows the cycle.",
            "Remove one of the dependencies.",
        ),
        Entry(
            "depends-on-itself",
            "A job depends on itself.",
            "Remove its own name from the list.",
        ),
        Entry(
            "duplicate-id",
            "Two files or instances define the same DAG.",
            "Rename one of the two.",
        ),
        Entry(
            "empty-group",
            "`groups` names a group that has no jobs.",
            "Add `group: name` to its jobs, or use the name in the hint.",
        ),
        Entry(
            "empty-matrix",
            "The matrix has no cells.",
            "Add an axis, or exclude fewer cells.",
        ),
        Entry(
            "excludes-nothing",
            "Warning: no cell of the matrix has the values under `exclude`.",
            "Correct the values, or remove the entry.",
        ),
        Entry(
            "group-name-taken",
            "A group has the same name as a job or as another group.",
            "Give the group another name.",
        ),
        Entry(
            "invalid-pod",
            (
                "Kubernetes would reject the pod: two of its values cannot be used together, or one value needs "
                "another. Examples are two sources for one volume, and `operator: In` without `values`. The check is "
                "made after all layers are merged."
            ),
            "Change one of the values that the message names.",
        ),
        Entry(
            "last-good-stopped",
            (
                "The file has errors, and its last good version breaks a rule of the platform that is stricter "
                "now, such as allowed images, flavors, maximums or limits of a team. The DAG has no "
                "schedule, and each of its tasks fails before it creates a pod."
            ),
            "Fix the file. The message names the rule and its position.",
        ),
        Entry(
            "mount-taken",
            "Two volumes are mounted at the same path.",
            "Mount one of them at another path.",
        ),
        Entry(
            "nested-for-each",
            "A `for_each` is inside a group that also has a `for_each`. Airflow does not support nested lists.",
            "Keep one `for_each`, and make one list of all pairs.",
        ),
        Entry(
            "never-matches",
            (
                "Warning: this entry of `on` is unreachable, because an earlier entry already matches the reason "
                "or exit code."
            ),
            "Remove the reason or exit code from one of the two entries.",
        ),
        Entry(
            "next-flavor-unused",
            (
                "Warning: `then: next_flavor` of a retry rule cannot have its full effect. Either the job has no "
                "retries, or a limit of the environment or the team forbids the next flavor, or the entry does not "
                "match `OOMKilled`."
            ),
            "Add retries, or name a flavor that is allowed. Ignore it if the limit is intended.",
        ),
        Entry(
            "no-base-container",
            "`pod` removes the job's own container.",
            "Write only what you want to change in the container.",
        ),
        Entry(
            "no-deadline",
            "Warning: the pipeline has `on_deadline` but no `deadline`.",
            "Add `deadline` to the pipeline.",
        ),
        Entry(
            "no-jobs",
            "The pipeline has no jobs.",
            "Add `jobs`, or set `docker_image` under `defaults` for a pipeline with one job.",
        ),
        Entry(
            "no-local-image",
            (
                "Warning in the environment `local`: no folder replaces this image. Pods are processes on this "
                "machine, and no image is pulled."
            ),
            "Put the code of the image into `images/`, or add the image under `cluster.local.images`.",
        ),
        Entry(
            "octal-mode",
            "A file mode such as `0400` is decimal 400 in YAML 1.2, or the mode exceeds `0o777`.",
            "Write `0o400`, or the decimal number 256.",
            automatic="writes the mode as octal number, such as `0o400`.",
        ),
        Entry(
            "param-name-taken",
            "`params_env` gives two params the same environment variable.",
            "Rename one of the two params.",
        ),
        Entry(
            "pool-too-small",
            "A job needs more slots than its pool has. It would never start.",
            "Lower `pool_slots`.",
        ),
        Entry(
            "required-param",
            "A pipeline with a schedule has a param without a default.",
            "Give the param a default. Nobody can enter a value for a scheduled run.",
        ),
        Entry(
            "second-container",
            "Warning: `pod` adds another regular container. The job ends only after that container ends.",
            "Move the container to `sidecars`. It then ends with the job.",
        ),
        Entry(
            "too-many-assets",
            "The file has more than 1,000 assets, or uses assets more than 10,000 times.",
            "Remove the assets that no pipeline waits for, or split the file.",
        ),
        Entry(
            "too-many-cells",
            "The matrix has more cells than the limit.",
            "Make the matrix smaller, or use `for_each`.",
        ),
        Entry(
            "too-many-instances",
            "The file has more than 1,000 `instances`.",
            "Split the file.",
        ),
        Entry(
            "too-many-items",
            "`for_each` has more items than one run may have.",
            "Use fewer items, each with more work.",
        ),
        Entry(
            "too-many-jobs",
            "The pipeline has more than 1,000 jobs.",
            "Split the pipeline.",
        ),
        Entry(
            "unknown-axis",
            "The matrix has no axis with this name.",
            "See the suggestion in the hint.",
            automatic="writes the suggested name if a letter is missing, added or swapped.",
        ),
        Entry(
            "unknown-channel",
            "There is no alert channel with this name.",
            "See the suggestion in the hint, or `platform/alerts.yaml`.",
            automatic="writes the suggested name if a letter is missing, added or swapped.",
        ),
        Entry(
            "unknown-environment",
            "There is no environment with this name.",
            "See the suggestion in the hint. Each file in `platform/environments/` is an environment.",
            automatic="writes the suggested name if a letter is missing, added or swapped.",
        ),
        Entry(
            "unknown-flavor",
            "There is no flavor with this name.",
            "See the suggestion in the hint, or `platform/flavors.yaml`.",
            automatic="writes the suggested name if a letter is missing, added or swapped.",
        ),
        Entry(
            "unknown-job",
            "There is no job with this name here. An environment may have removed it.",
            "See the suggestion in the hint.",
            automatic="writes the suggested name if a letter is missing, added or swapped.",
        ),
        Entry(
            "unknown-pool",
            "There is no pool with this name. Airflow would never start the job, and would not report why.",
            "Use one of the `pools` in `platform/flavors.yaml`.",
            automatic="writes the suggested name if a letter is missing, added or swapped.",
        ),
        Entry(
            "unknown-preset",
            "There is no preset with this name.",
            "See the suggestion in the hint, or `platform/presets.yaml`.",
            automatic="writes the suggested name if a letter is missing, added or swapped.",
        ),
        Entry(
            "unknown-reason",
            "Warning: Kubernetes is not known to report this reason.",
            "See the suggestion in the hint.",
            automatic="writes the suggested word if it differs in a letter or two.",
        ),
        Entry(
            "unknown-retry-rule",
            "There is no retry rule with this name.",
            "See the suggestion in the hint, or `platform/retries.yaml`.",
            automatic="writes the suggested name if a letter is missing, added or swapped.",
        ),
        Entry(
            "unknown-volume",
            "A container mounts a volume that the pod does not have.",
            "Use the name of one of the job's `volumes`.",
        ),
        Entry(
            "volume-name-taken",
            "Two volumes with different sources have the same name.",
            "Remove `name`, or give each volume its own name.",
        ),
    ),
)
