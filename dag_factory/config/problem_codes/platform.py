"""Problem codes: Platform files and rules."""

from __future__ import annotations

from dag_factory.config.problem_codes.entry import Entry, Section

SECTION = Section(
    "Platform files and rules",
    (
        Entry(
            "broken-channel",
            "The alert channel has errors.",
            "Fix the problems of `platform/alerts.yaml` first.",
        ),
        Entry(
            "broken-flavor",
            "The flavor has errors.",
            "Fix the problems of `platform/flavors.yaml` first.",
        ),
        Entry(
            "broken-preset",
            "The preset has errors.",
            "Fix the problems of `platform/presets.yaml` first.",
        ),
        Entry(
            "broken-retry-rule",
            "The retry rule has errors.",
            "Fix the problems of `platform/retries.yaml` first.",
        ),
        Entry(
            "broken-table",
            "A platform file that the pipeline needs, such as the environment, has errors. The pipeline is not built.",
            "Fix the problems of the files in `platform/` first.",
        ),
        Entry(
            "broken-team",
            "The team has errors. No pipeline in its folder is built.",
            "Fix the problems of `platform/teams.yaml` first.",
        ),
        Entry(
            "extends-loop",
            "Environments extend each other in a cycle.",
            "Remove one `extends`.",
        ),
        Entry(
            "flavor-loop",
            "Flavors name each other as `next` in a cycle.",
            "Remove `next` from the largest flavor.",
        ),
        Entry(
            "flavor-not-allowed",
            "The team may not use this flavor.",
            "Use one of the flavors in the hint. The hint also names the rule.",
        ),
        Entry(
            "hidden-reference",
            (
                "The name contains a `{{ }}` template, so it is known only when the job runs. But the environment "
                "or the team limits which names are allowed."
            ),
            "Write the name, or compute it with `${{ }}`.",
        ),
        Entry(
            "image-latest",
            "The tag of the image can move, and the environment forbids such tags.",
            "Use a fixed tag or a digest.",
        ),
        Entry(
            "image-not-allowed",
            "The environment or the team does not allow the image of a container or a volume.",
            "Use an image that matches a pattern in the hint.",
        ),
        Entry(
            "image-not-known",
            "Warning: the registry of the image is not known until the job runs, so no mirror applies.",
            "Write the registry, or compute it with `${{ }}`.",
        ),
        Entry(
            "image-template",
            (
                "A template in the name of an image may only read values. This one also contains a statement, a "
                "comment or a constant."
            ),
            "Write only `{{ name }}`, such as `{{ params.tag }}`. Compute the rest with `${{ }}`.",
        ),
        Entry(
            "missing-limit",
            "A container has no limit for a resource that a `max` restricts. It could use the whole node.",
            (
                "Set `resources: {limits: ...}` in the container. For the job's own container, use a flavor that "
                "sets the limit."
            ),
        ),
        Entry(
            "next-in-other-pool",
            (
                "Warning: the `next` of a flavor is in another pool. Airflow cannot change the pool of a task between "
                "its tries, so a try with the larger flavor takes its slots from the pool of the smaller one."
            ),
            "Put both flavors into the same pool, or remove `next`.",
        ),
        Entry(
            "next-not-larger",
            "Warning: the `next` of a flavor does not have more memory than the flavor itself.",
            "Name a flavor with more memory.",
        ),
        Entry(
            "no-team",
            "`teams.yaml` has `default: deny`, and the file is not in the folder of a team.",
            "Move the file, or add its folder to `teams.yaml`.",
        ),
        Entry(
            "node-not-allowed",
            "The pod selects or tolerates nodes of flavors that the team may not use, or it names a node.",
            "Remove the selector or toleration. The hint names the list of flavors.",
        ),
        Entry(
            "not-allowed",
            (
                "The environment or the team does not allow something that the job refers to, such as a secret, a "
                "volume claim, a service account, a node, a label or a preset."
            ),
            "Use a name that matches a pattern in the hint. The hint also names the rule.",
        ),
        Entry(
            "over-ceiling",
            (
                "The pod requests more than the maximum of the environment or the team, or more than the flavors "
                "of the team provide. All containers count, including the container that Airflow adds for `output: "
                "json`. Devices under `resourceClaims` are errors, because they cannot be compared with a maximum."
            ),
            "Use the flavor in the hint. If `pod` sets the request, lower it there. For a device, use a flavor.",
        ),
        Entry(
            "over-limit",
            (
                "A value exceeds the `limits` of the environment or the team: retries, timeout, schedule, or the "
                "number of jobs, runs or GPUs at the same time."
            ),
            "Stay within the limit in the hint. The hint also names the file and line of the limit.",
        ),
        Entry(
            "pod-security",
            (
                "The pod does not meet the level of the Kubernetes Pod Security Standards that `pod_security` "
                "sets. Without `pod_security`, a pod that the level `baseline` forbids gets a warning, which "
                "becomes an error in the next release."
            ),
            "Remove or change the key as the hint says.",
        ),
        Entry(
            "request-over-limit",
            "A flavor or a container requests more than its limit.",
            "Raise the limit, or lower the request.",
        ),
        Entry(
            "required-key",
            "The team requires a key, but neither the pipeline nor each of its jobs sets it, or `pod` removes it.",
            "Add the key. The hint names the rule.",
        ),
        Entry(
            "resource-not-allowed",
            (
                "The pod requests a resource that no `max` names and no flavor of the team provides, such as huge "
                "pages or a device that is not a GPU."
            ),
            "Remove the resource, or ask the platform team to add it to `max`.",
        ),
        Entry(
            "unused-team",
            "Warning: the folder of the team contains no pipelines. Its name may be misspelled.",
            "Correct the name as the hint says.",
        ),
    ),
)
