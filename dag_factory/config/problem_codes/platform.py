"""Problem codes: The platform's tables."""

from __future__ import annotations

from dag_factory.config.problem_codes.entry import Entry, Section

SECTION = Section(
    "The platform's tables",
    (
        Entry(
            "broken-channel",
            "The channel has a problem of its own.",
            "See the problems of `alerts.yaml`.",
        ),
        Entry(
            "broken-flavor",
            "The flavor has a problem of its own.",
            "See the problems of `flavors.yaml`.",
        ),
        Entry(
            "broken-preset",
            "The preset has a problem of its own.",
            "See the problems of `presets.yaml`.",
        ),
        Entry(
            "broken-retry-rule",
            "The retry rule has a problem of its own.",
            "See the problems of `retries.yaml`.",
        ),
        Entry(
            "broken-table",
            "The environment, or a table that is used here, cannot be used, so nothing that needs it is built.",
            "See the problems under `platform/`.",
        ),
        Entry(
            "broken-team",
            "The team has a problem of its own, so nothing in its folder is built.",
            "See the problems of `teams.yaml`.",
        ),
        Entry(
            "extends-loop",
            "Environments extend each other in a circle.",
            "Remove one `extends`.",
        ),
        Entry(
            "flavor-loop",
            "`next` of flavors goes round.",
            "The largest flavor has no `next`.",
        ),
        Entry(
            "flavor-not-allowed",
            "The team may not use the flavor.",
            "The hint names the rule and what it allows.",
        ),
        Entry(
            "hidden-reference",
            "A name that only the run knows (`{{ }}`), where the environment or the team limits such names.",
            "Write the name, or compute it with `${{ }}`.",
        ),
        Entry(
            "image-latest",
            "The environment forbids tags that move.",
            "Name a fixed tag or a digest.",
        ),
        Entry(
            "image-not-allowed",
            "The environment or the team does not allow the image of a container, or of a volume.",
            "See the patterns in the hint.",
        ),
        Entry(
            "image-not-known",
            "A warning: only the run knows the image, so its mirror cannot be chosen.",
            "Write the registry out, or compute it with `${{ }}`.",
        ),
        Entry(
            "image-template",
            (
                "The template of an image holds more than whole expressions that read a value: a statement, a "
                "comment, a constant."
            ),
            "Write `{{ name }}` only, as `{{ params.tag }}`; compute the rest with `${{ }}`.",
        ),
        Entry(
            "missing-limit",
            "A container has no limit for a resource that a `max` bounds, so it may use the whole node.",
            "Set `resources: {limits: ...}` in it; for the job's own container name a flavor that sets it.",
        ),
        Entry(
            "no-team",
            "`default: deny` of `teams.yaml` allows no pipeline outside the folders of teams.",
            "Move the file, or add its folder to `teams.yaml`.",
        ),
        Entry(
            "node-not-allowed",
            "The pod selects or tolerates nodes of flavors that the team may not use, or names a node.",
            "Leave the selector or the toleration out; the hint names the list of flavors.",
        ),
        Entry(
            "not-allowed",
            (
                "The environment or the team does not allow what the job refers to: a secret, a claim, a service "
                "account, a node, a label, a preset ..."
            ),
            "See the patterns in the hint, and the rule's place.",
        ),
        Entry(
            "over-ceiling",
            (
                "The pod asks for more than the environment or the team allows, or than the flavors on the team's "
                "list give."
            ),
            (
                "The hint names the flavor that fits. Where `pod:` asks for it, ask for less there. All "
                "containers count, also Airflow's own for `output: json`. Devices that a pod claims "
                "(`resourceClaims`) have no size to compare with a `max`: name a flavor."
            ),
        ),
        Entry(
            "over-limit",
            (
                "A key exceeds the `limits` of the environment or the team: retries, timeout, schedule, jobs, "
                "runs or graphics cards at once."
            ),
            "The hint names the limit and its place.",
        ),
        Entry(
            "pod-security",
            (
                "The pod does not meet the level of Kubernetes' Pod Security Standards that `pod_security` sets. "
                "A warning where no level is set and `baseline` forbids it; it will be an error in the next "
                "release."
            ),
            "Leave the key out, as the hint says.",
        ),
        Entry(
            "request-over-limit",
            "A flavor or a container requests more than its limit.",
            "Raise the limit or lower the request.",
        ),
        Entry(
            "required-key",
            "The team asks for a key that neither the pipeline nor each of its jobs has, or that `pod:` removes.",
            "Add it; the hint names the rule.",
        ),
        Entry(
            "resource-not-allowed",
            (
                "The pod asks for a resource that no `max` names and no flavor on the team's list gives: huge "
                "pages, or a device that is not a graphics card."
            ),
            "Ask the platform to name it in `max`, or leave it out.",
        ),
        Entry(
            "unused-team",
            "A warning: no pipeline lies in the folder of the team, whose name may have a slip.",
            "See the hint.",
        ),
    ),
)
