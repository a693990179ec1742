"""The kinds of verdicts: what each one means, and what to do. ``docs/on-call.md`` shows this table."""

from __future__ import annotations

from typing import Literal, NamedTuple

Kind = Literal[
    "out-of-memory",
    "evicted",
    "preempted",
    "node-lost",
    "image-not-found",
    "image-denied",
    "unschedulable",
    "quota",
    "config",
    "start-failed",
    "timeout",
    "deadline",
    "exit-code",
    "probe-failed",
    "output-invalid",
    "policy",
    "api-error",
    "killed",
    "unknown",
]


class KindInfo(NamedTuple):
    """One row of the table.

    ``advice`` is the clause that a verdict ends with if nothing more specific is known. ``uses_retry`` is False for a
    failure that is not the job's own: its next try does not count against the job's retries.
    """

    title: str
    meaning: str
    what_to_do: str
    advice: str
    uses_retry: bool = True


KINDS: dict[Kind, KindInfo] = {
    "out-of-memory": KindInfo(
        "Out of memory",
        "A container used more memory than its limit, and the kernel killed it.",
        "Use a larger flavor, or process the data in smaller parts. If the retry rule has `then: next_flavor`, the next"
        " try gets the larger flavor by itself, as long as `next` names one.",
        "use a larger flavor, or process the data in smaller parts",
    ),
    "evicted": KindInfo(
        "Evicted",
        "The node removed the pod because it ran low on memory or disk, because it was drained, or because the pod"
        " used more local storage than its limit.",
        "Wait for the next try: it usually runs on another node. If the pod exceeded a limit of its own, raise that"
        " limit. If evictions repeat, set requests equal to limits, and ask the platform team about the node.",
        "wait for the next try; if evictions repeat, set requests equal to limits",
        uses_retry=False,
    ),
    "preempted": KindInfo(
        "Preempted",
        "A pod with a higher priority took the place of this pod.",
        "Wait for the next try. If preemptions repeat, ask the platform team for a higher priority class or for more"
        " nodes.",
        "wait for the next try; if preemptions repeat, use a higher priority class",
        uses_retry=False,
    ),
    "node-lost": KindInfo(
        "Node lost",
        "The node of the pod was shut down, was removed, or stopped reporting. Spot nodes end this way.",
        "Wait for the next try: it runs on another node. If a long job loses its node often, use a flavor that does"
        " not run on spot nodes, or write checkpoints.",
        "wait for the next try; it runs on another node",
        uses_retry=False,
    ),
    "image-not-found": KindInfo(
        "Image not found",
        "The registry has no image of this name and tag, or the name is not valid.",
        "Compare the image in the YAML file with the registry. Push the missing tag, or correct the name.",
        "correct the name and the tag of the image, or push the image",
    ),
    "image-denied": KindInfo(
        "Image denied",
        "The registry refuses to hand out the image: the credentials are missing, wrong or expired, or too many"
        " images were pulled. Some registries give this answer for an image that does not exist.",
        "Check `image_pull_secrets` and the credentials in that secret. Check that the image exists.",
        "check `image_pull_secrets`, and that the image exists",
    ),
    "unschedulable": KindInfo(
        "Unschedulable",
        "No node takes the pod: none has enough free resources, or none matches its node selector, affinity and"
        " tolerations.",
        "Read the reason: `Insufficient` means that nodes are full or too small, `didn't match` and `untolerated"
        " taint` mean that the flavor asks for nodes that do not exist. Use another flavor, or ask the platform team"
        " for nodes.",
        "use a flavor that fits a node, or add nodes",
    ),
    "quota": KindInfo(
        "Quota exceeded",
        "The namespace has a resource quota, and the pod does not fit into what is left of it.",
        "Wait until other pods end, run fewer jobs at once, or ask the platform team to raise the quota. A pod that"
        " is larger than the whole quota needs a smaller flavor.",
        "wait until other pods end, or raise the quota of the namespace",
        uses_retry=False,
    ),
    "config": KindInfo(
        "Configuration",
        "The pod refers to something that does not exist, such as a secret, a key in a secret, a config map, a volume"
        " claim or a service account, or its settings contradict its image. Or a `{{ }}` or `when` of the job cannot be"
        " computed.",
        "Create what is missing, or correct its name in the YAML file. No retry helps before that.",
        "create what is missing, or correct its name",
    ),
    "start-failed": KindInfo(
        "Start failed",
        "The container could not start: its command does not exist in the image, a volume cannot be mounted, the"
        " registry cannot be reached, or the node had a problem.",
        "Read the reason. Correct `command` if it names a program that the image does not have. Otherwise wait for"
        " the next try, then ask the platform team.",
        "check that the command exists in the image",
    ),
    "timeout": KindInfo(
        "Timeout",
        "The job did not end within its `timeout`, so its pod was ended.",
        "Look in the log at what took so long. Raise `timeout`, use a larger flavor, or split the job.",
        "raise `timeout`, or find in the log what took so long",
    ),
    "deadline": KindInfo(
        "Pod deadline",
        "The pod was active longer than its `activeDeadlineSeconds`, so Kubernetes ended it.",
        "Raise `activeDeadlineSeconds` of the pod, or find in the log what took so long.",
        "raise `activeDeadlineSeconds` of the pod, or find in the log what took so long",
    ),
    "exit-code": KindInfo(
        "Exit code",
        "The program ended with an exit code other than 0.",
        "Read the last lines of the log: they come from the program.",
        "read the last lines of the log",
    ),
    "probe-failed": KindInfo(
        "Probe failed",
        "The liveness or startup probe of a container failed, so Kubernetes ended the container.",
        "Correct the probe, give it more time (`initialDelaySeconds`, `failureThreshold`), or find out why the"
        " program did not answer.",
        "give the probe more time, or find out why the program did not answer",
    ),
    "output-invalid": KindInfo(
        "Output invalid",
        "The job ended well, but its output `/airflow/xcom/return.json` cannot be used.",
        "Correct the lines of the program that write the output. The verdict names the position in the file.",
        "correct the code that writes the output",
    ),
    "policy": KindInfo(
        "Policy",
        "A rule of the platform forbids the pod: a guard of the environment or team, or an admission rule of the"
        " cluster. Or the pipeline is stopped, because its last good version breaks current rules. The pod was not"
        " created.",
        "Change the key that the verdict names, or ask the platform team for an exception. No retry helps.",
        "change what the rule forbids, or ask the platform team",
    ),
    "api-error": KindInfo(
        "API error",
        "The cluster's API did not answer, or answered with an error that no other kind explains.",
        "Wait for the next try. If it repeats, check the connection, the credentials and the role of Airflow.",
        "wait for the next try; if it repeats, check the connection and the credentials of Airflow",
    ),
    "killed": KindInfo(
        "Killed",
        "The job was ended from outside: somebody deleted its pod, cleared or marked the task, or the worker was told"
        " to end.",
        "Find out who ended it: look at the audit log of Airflow and at the events of the namespace. Then run the job"
        " again.",
        "find out who ended the job, then run it again",
    ),
    "unknown": KindInfo(
        "Unknown",
        "The evidence does not explain the failure.",
        "Read the whole log of the try, and the events of the namespace.",
        "read the whole log of the try",
    ),
}
