"""The verdict on each kind of failure that no recording shows, from what Kubernetes 1.33 writes."""

from __future__ import annotations

from typing import Any, NamedTuple, get_args

import pytest
import test_verdicts_recorded
from verdict_cases import (
    RUNNING,
    container,
    disruption,
    ended,
    event,
    evidence,
    pod_json,
    refused,
    unscheduled,
    waits,
)

from dag_factory.verdicts.decide import decide
from dag_factory.verdicts.evidence.model import Evidence, Failure
from dag_factory.verdicts.kinds import Kind
from dag_factory.verdicts.verdict import Fact

LIMITED = {"resources": {"limits": {"memory": "2Gi"}}}
PULL = 'failed to pull and unpack image "ghcr.io/acme/train:1": failed to resolve reference "ghcr.io/acme/train:1": '
DENIED = (
    PULL + "pull access denied, repository does not exist or may require authorization: server message:"
    " insufficient_scope: authorization failed"
)
ANONYMOUS = PULL + (
    "failed to authorize: failed to fetch anonymous token: unexpected status from GET request to"
    " https://ghcr.io/token: 401 Unauthorized"
)
UNREACHABLE = PULL + (
    'failed to authorize: failed to fetch anonymous token: Get "https://ghcr.io/token": dial tcp 140.82.1.1:443: i/o'
    " timeout"
)
LOW = (
    "The node was low on resource: memory. Threshold quantity: 100Mi, available: 80Mi. Container base was using 3Gi,"
    " request is 0, has larger consumption of memory. "
)
QUOTA = 'pods "train-x1" is forbidden: exceeded quota: team, requested: {}, used: {}, limited: {}'
SHUTDOWN = "Pod was terminated in response to imminent node shutdown."


class Case(NamedTuple):
    """What is known, and the verdict. ``expected``: fields beside kind and sentence that are not the default."""

    evidence: Evidence
    kind: str
    sentence: str
    expected: dict[str, Any]


def case(known: Evidence, kind: str, sentence: str, **expected: Any) -> Case:
    return Case(known, kind, sentence, expected)


def gone(*events: dict[str, Any], **more: Any) -> Evidence:
    """A pod that was last seen running, and does not exist any more."""
    pod = pod_json(container(state=RUNNING), phase="Running")
    return evidence(pod, *events, failure=Failure(kind="pod-gone", text="not found"), **more)


def blocked(reason: str, message: str, *events: dict[str, Any]) -> Evidence:
    return evidence(pod_json(container(state=waits(reason, message)), phase="Pending"), *events)


def creating(*events: dict[str, Any]) -> Evidence:
    return blocked("ContainerCreating", "", *events)


def pending(message: str, *events: dict[str, Any], nodes: list[dict[str, Any]] | None = None) -> Evidence:
    gpu = {"resources": {"requests": {"nvidia.com/gpu": "2", "memory": "16Gi", "cpu": "500m"}}}
    pod = pod_json(container(**gpu), phase="Pending", node="", conditions=(unscheduled(message),))
    return evidence(pod, *events, nodes=nodes)


CASES: dict[str, Case] = {
    # out of memory
    "limit": case(
        evidence(pod_json(container(state=ended(137, "OOMKilled"), **LIMITED)), flavor="cpu-small"),
        "out-of-memory",
        "out of memory: the container was killed at its limit of 2Gi (flavor cpu-small, node n3, exit code 137)",
        reasons=("OOMKilled",),
        exit_code=137,
        container="base",
    ),
    "limit of the flavor": case(
        evidence(pod_json(container(state=ended(137, "OOMKilled"))), flavor="m", limits={"memory": "4Gi"}),
        "out-of-memory",
        "out of memory: the container was killed at its limit of 4Gi (flavor m, node n3, exit code 137)",
        exit_code=137,
    ),
    "no limit": case(
        evidence(pod_json(container(state=ended(137, "OOMKilled")))),
        "out-of-memory",
        "out of memory: the container has no memory limit, and was killed when memory on its node ran out (node n3,"
        " exit code 137)",
    ),
    "killed child": case(
        evidence(pod_json(container(state=ended(1, "OOMKilled"), **LIMITED))),
        "out-of-memory",
        "out of memory: a process in the container was killed at the limit of 2Gi (node n3, exit code 1)",
        exit_code=1,
    ),
    "init container out of memory": case(
        evidence(
            pod_json(
                container(state=waits("PodInitializing")),
                init=(container("fetch", ended(137, "OOMKilled"), **LIMITED),),
            ),
            flavor="cpu-small",
        ),
        "out-of-memory",
        "out of memory: the init container `fetch` was killed at its limit of 2Gi (node n3, exit code 137)",
        container="fetch",
        advice="raise the memory limit of the container `fetch`",
    ),
    "sidecar out of memory": case(
        evidence(
            pod_json(container(state=ended(0, "Completed")), container("proxy", ended(137, "OOMKilled"), **LIMITED))
        ),
        "out-of-memory",
        "out of memory: the sidecar `proxy` was killed at its limit of 2Gi (node n3, exit code 137)",
        container="proxy",
    ),
    # evicted
    "low on memory": case(
        evidence(
            pod_json(
                reason="Evicted",
                message=LOW,
                conditions=(disruption("TerminationByKubelet", LOW),),
            )
        ),
        "evicted",
        "evicted: node n3 was low on memory (80Mi left, threshold 100Mi): the container used 3Gi, and its request is 0",
        reasons=("Evicted", "TerminationByKubelet"),
        exit_code=137,
        uses_retry=False,
    ),
    "pressure when it came": case(
        evidence(pod_json(reason="Evicted", message="The node had condition: [DiskPressure]. ")),
        "evicted",
        "evicted: node n3 had the condition DiskPressure",
        uses_retry=False,
    ),
    "own storage of the pod": case(
        evidence(
            pod_json(
                reason="Evicted",
                message="Pod ephemeral local storage usage exceeds the total limit of containers 10Mi. ",
            )
        ),
        "evicted",
        "evicted: the pod used more local storage than its limit of 10Mi (node n3)",
        advice="raise that limit, or write less to local disk",
    ),
    "own storage of the container": case(
        evidence(
            pod_json(reason="Evicted", message='Container base exceeded its local ephemeral storage limit "1Gi". ')
        ),
        "evicted",
        "evicted: the container used more local storage than its limit of 1Gi (node n3)",
    ),
    "own volume": case(
        evidence(pod_json(reason="Evicted", message='Usage of EmptyDir volume "tmp" exceeds the limit "64Mi". ')),
        "evicted",
        "evicted: the volume `tmp` holds more than its limit of 64Mi (node n3)",
    ),
    "drained": case(
        evidence(
            pod_json(
                container(state=RUNNING),
                phase="Running",
                metadata={"deletionTimestamp": "2026-11-21T10:01:00Z", "deletionGracePeriodSeconds": 30},
                conditions=(disruption("EvictionByEvictionAPI", "Eviction API: evicting"),),
            )
        ),
        "evicted",
        "evicted: the pod was asked to leave node n3, which happens when a node is drained",
        reasons=("EvictionByEvictionAPI",),
        uses_retry=False,
    ),
    "taint": case(
        evidence(
            pod_json(
                container(state=RUNNING),
                phase="Running",
                conditions=(disruption("DeletionByTaintManager", "Taint manager: deleting due to NoExecute taint"),),
            )
        ),
        "evicted",
        "evicted: node n3 got a taint that the pod does not tolerate",
        uses_retry=False,
    ),
    "taint, pod gone": case(
        gone(event("TaintManagerEviction", "Marking for deletion Pod ml/train-x1", kind="Normal")),
        "evicted",
        "evicted: node n3 got a taint that the pod does not tolerate",
        uses_retry=False,
    ),
    "job failed before its node was drained": case(
        evidence(
            pod_json(
                container(state=ended(3)),
                conditions=(
                    {
                        **disruption("EvictionByEvictionAPI", "Eviction API: evicting"),
                        "lastTransitionTime": "2026-11-21T10:00:50Z",
                    },
                ),
            )
        ),
        "exit-code",
        "exit code 3: the container failed after 40s (node n3)",
    ),
    # preempted
    "scheduler": case(
        evidence(
            pod_json(
                container(state=ended(143)),
                conditions=(
                    disruption(
                        "PreemptionByScheduler", "default-scheduler: preempting to accommodate a higher priority pod"
                    ),
                ),
            )
        ),
        "preempted",
        "preempted: a higher-priority pod took the place of the pod on node n3",
        reasons=("PreemptionByScheduler",),
        exit_code=143,
        uses_retry=False,
    ),
    "kubelet": case(
        evidence(
            pod_json(
                reason="Preempting",
                message="Preempted in order to admit critical pod",
                conditions=(
                    disruption("TerminationByKubelet", "Pod was preempted by Kubelet to accommodate a critical pod."),
                ),
            )
        ),
        "preempted",
        "preempted: a critical pod took the place of the pod on node n3",
        reasons=("Preempting", "TerminationByKubelet"),
        uses_retry=False,
    ),
    "preempted, pod gone": case(
        gone(event("Preempted", "Preempted by pod 7f0c on node n3", kind="Normal")),
        "preempted",
        "preempted: a higher-priority pod took the place of the pod on node n3",
        uses_retry=False,
    ),
    # node lost
    "garbage collector": case(
        evidence(
            pod_json(
                container(state=RUNNING), conditions=(disruption("DeletionByPodGC", "PodGC: node no longer exists"),)
            )
        ),
        "node-lost",
        "node lost: node n3 does not exist any more",
        reasons=("DeletionByPodGC", "NodeLost"),
        uses_retry=False,
    ),
    "shutdown": case(
        evidence(
            pod_json(reason="Terminated", message=SHUTDOWN, conditions=(disruption("TerminationByKubelet", SHUTDOWN),))
        ),
        "node-lost",
        "node lost: node n3 was shut down, and the pod with it",
        reasons=("Terminated", "TerminationByKubelet", "NodeLost"),
        uses_retry=False,
    ),
    "not ready": case(
        evidence(
            pod_json(
                container(state=RUNNING),
                phase="Running",
                metadata={"deletionTimestamp": "2026-11-21T10:06:00Z", "deletionGracePeriodSeconds": 30},
                conditions=(disruption("DeletionByTaintManager", "Taint manager: deleting due to NoExecute taint"),),
            ),
            event("NodeNotReady", "Node is not ready"),
        ),
        "node-lost",
        "node lost: node n3 stopped reporting, so its pod was deleted",
        reasons=("DeletionByTaintManager", "NodeLost"),
        uses_retry=False,
    ),
    "not ready, pod gone": case(
        gone(event("NodeNotReady", "Node is not ready")),
        "node-lost",
        "node lost: node n3 stopped reporting, so its pod was deleted",
        uses_retry=False,
    ),
    # images
    "no manifest": case(
        blocked(
            "ErrImagePull",
            f"rpc error: code = NotFound desc = {PULL}ghcr.io/acme/train:1: not found",
        ),
        "image-not-found",
        "image not found: the registry has no image `ghcr.io/acme/train:1`",
        reasons=("ErrImagePull", "ImagePullBackOff"),
        container="base",
        is_final=True,
    ),
    "cause in an event only": case(
        blocked(
            "ImagePullBackOff",
            'Back-off pulling image "ghcr.io/acme/train:1"',
            event("Failed", f'Failed to pull image "ghcr.io/acme/train:1": {PULL}not found', "base"),
        ),
        "image-not-found",
        "image not found: the registry has no image `ghcr.io/acme/train:1`",
        is_final=True,
    ),
    "other CPU": case(
        blocked(
            "ErrImagePull", f"rpc error: code = NotFound desc = {PULL}no match for platform in manifest: not found"
        ),
        "image-not-found",
        "image not found: `ghcr.io/acme/train:1` has no variant for the CPU of the node",
        is_final=True,
    ),
    "never pulled": case(
        blocked("ErrImageNeverPull", 'Container image "ghcr.io/acme/train:1" is not present with pull policy of Never'),
        "image-not-found",
        "image not found: `ghcr.io/acme/train:1` is not on the node, and `imagePullPolicy` is `Never`",
        is_final=True,
    ),
    "access denied": case(
        blocked("ErrImagePull", DENIED),
        "image-denied",
        "image denied: the registry refuses `ghcr.io/acme/train:1`: pull access denied, repository does not exist or"
        " may require authorization: server message: insufficient_scope: authorization failed",
        is_final=True,
        advice="check `image_pull_secrets`, and that the image exists",
    ),
    "unauthorized": case(
        blocked("ImagePullBackOff", f'Back-off pulling image "ghcr.io/acme/train:1": ErrImagePull: {ANONYMOUS}'),
        "image-denied",
        "image denied: the registry refuses `ghcr.io/acme/train:1`: failed to authorize: failed to fetch anonymous"
        " token: unexpected status from GET request to https://ghcr.io/token: 401 Unauthorized",
        is_final=True,
    ),
    "rate limit": case(
        blocked("ErrImagePull", f"{PULL}unexpected status code: 429 Too Many Requests - toomanyrequests: reached"),
        "image-denied",
        "image denied: the registry of `ghcr.io/acme/train:1` allows no more pulls for now",
    ),
    "registry unreachable": case(
        blocked("ErrImagePull", UNREACHABLE),
        "start-failed",
        "start failed: the registry of `ghcr.io/acme/train:1` cannot be reached: dial tcp 140.82.1.1:443: i/o timeout",
        advice="check that the node can reach the registry",
    ),
    "image of a sidecar": case(
        evidence(
            pod_json(
                container(state=RUNNING),
                container("proxy", waits("ErrImagePull", f"{PULL}not found"), image="ghcr.io/acme/proxy:2"),
                phase="Pending",
            )
        ),
        "image-not-found",
        "image not found: the registry has no image `ghcr.io/acme/proxy:2` (the sidecar `proxy`)",
        container="proxy",
        is_final=True,
    ),
    # unschedulable
    "no GPU": case(
        pending(
            "0/5 nodes are available: 5 Insufficient nvidia.com/gpu. preemption: 0/5 nodes are available: 5 No"
            " preemption victims found for incoming pod."
        ),
        "unschedulable",
        "unschedulable: no node fits the pod: 0/5 nodes are available: 5 Insufficient nvidia.com/gpu",
        reasons=("Unschedulable",),
    ),
    "larger than every node": case(
        pending(
            "0/2 nodes are available: 2 Insufficient memory.",
            nodes=[{"cpu": "4", "memory": "8Gi", "nvidia.com/gpu": "4"}, {"cpu": "8", "memory": "12Gi"}],
        ),
        "unschedulable",
        "unschedulable: the pod requests 16Gi of memory, and the largest node has 12Gi of memory (0/2 nodes are"
        " available: 2 Insufficient memory)",
        is_final=True,
    ),
    "no node has a GPU": case(
        pending("0/1 nodes are available: 1 Insufficient nvidia.com/gpu.", nodes=[{"cpu": "4", "memory": "64Gi"}]),
        "unschedulable",
        "unschedulable: the pod requests 2 nvidia.com/gpu, and no node has any (0/1 nodes are available: 1 Insufficient"
        " nvidia.com/gpu)",
        is_final=True,
    ),
    "larger in sum": case(
        pending(
            "0/2 nodes are available: 1 Insufficient memory, 1 Insufficient nvidia.com/gpu.",
            nodes=[{"cpu": "4", "memory": "64Gi"}, {"cpu": "4", "memory": "8Gi", "nvidia.com/gpu": "8"}],
        ),
        "unschedulable",
        "unschedulable: no node is large enough for all requests of the pod together (0/2 nodes are available: 1"
        " Insufficient memory, 1 Insufficient nvidia.com/gpu)",
        is_final=True,
    ),
    "a new node is coming": case(
        pending(
            "0/1 nodes are available: 1 Insufficient nvidia.com/gpu.",
            event("NotTriggerScaleUp", "pod didn't trigger scale-up", second=1),
            event("TriggeredScaleUp", "pod triggered scale-up: [{gpu 0->1 (max: 3)}]", second=20, kind="Normal"),
            nodes=[{"cpu": "4", "memory": "64Gi"}],
        ),
        "unschedulable",
        "unschedulable: no node fits the pod: 0/1 nodes are available: 1 Insufficient nvidia.com/gpu",
    ),
    "rejected by its node": case(
        evidence(
            pod_json(
                container(),
                reason="OutOfcpu",
                message="Pod was rejected: Node didn't have enough resource: cpu, requested: 150, used: 11388,"
                " capacity: 11500",
            )
        ),
        "unschedulable",
        "unschedulable: node n3 rejected the pod: Node didn't have enough resource: cpu, requested: 150, used: 11388,"
        " capacity: 11500",
        reasons=("OutOfcpu",),
        uses_retry=False,
    ),
    # quota
    "quota used up": case(
        refused(QUOTA.format("limits.cpu=1,memory=512Mi", "limits.cpu=1,memory=2Gi", "limits.cpu=4,memory=2Gi")),
        "quota",
        "quota: quota `team` of the namespace is used up (limits.cpu: requested 1, used 1 of 4; memory: requested"
        " 512Mi, used 2Gi of 2Gi)",
        reasons=("Forbidden",),
        uses_retry=False,
    ),
    "larger than the quota": case(
        refused(QUOTA.format("memory=4Gi", "memory=0", "memory=2048Mi")),
        "quota",
        "quota: the pod is larger than the whole quota `team` (memory: requested 4Gi, used 0 of 2048Mi)",
        is_final=True,
        advice="use a smaller flavor, or raise the quota of the namespace",
    ),
    # configuration
    "service account": case(
        refused('pods "x" is forbidden: error looking up service account ml/foobar: serviceaccount "foobar" not found'),
        "config",
        "configuration: service account `foobar` does not exist",
        is_final=True,
    ),
    "priority class": case(
        refused('pods "x" is forbidden: no PriorityClass with name urgent was found'),
        "config",
        "configuration: priority class `urgent` does not exist",
        is_final=True,
    ),
    "secret of a volume": case(
        creating(event("FailedMount", 'MountVolume.SetUp failed for volume "cfg" : secret "db" not found')),
        "config",
        "configuration: secret `db` does not exist",
        reasons=("FailedMount",),
        is_final=True,
    ),
    "key of a volume": case(
        creating(
            event("FailedMount", 'MountVolume.SetUp failed for volume "cfg" : references non-existent secret key: k')
        ),
        "config",
        "configuration: the secret of volume `cfg` has no key `k`",
        is_final=True,
    ),
    "key of a variable": case(
        blocked("CreateContainerConfigError", "couldn't find key url in ConfigMap ml/db"),
        "config",
        "configuration: config map `db` has no key `url`",
        is_final=True,
    ),
    "runs as root": case(
        blocked(
            "CreateContainerConfigError",
            'container has runAsNonRoot and image will run as root (pod: "x_ml(c0098c0b)", container: base)',
        ),
        "config",
        "configuration: the image runs as root, and the pod has `runAsNonRoot`",
        is_final=True,
    ),
    "volume claim": case(
        pending(
            '0/1 nodes are available: persistentvolumeclaim "data" not found. preemption: 0/1 nodes are available: 1'
            " Preemption is not helpful for scheduling."
        ),
        "config",
        "configuration: volume claim `data` does not exist",
        is_final=True,
    ),
    # start failed
    "volume in use": case(
        creating(
            event(
                "FailedAttachVolume",
                'Multi-Attach error for volume "pvc-1" Volume is already used by pod(s) train-x0',
            )
        ),
        "start-failed",
        'start failed: the pod could not start: Multi-Attach error for volume "pvc-1" Volume is already used by pod(s)'
        " train-x0",
        reasons=("FailedAttachVolume",),
    ),
    "not in the path": case(
        evidence(
            pod_json(
                container(
                    state=ended(
                        128,
                        "StartError",
                        "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc"
                        " create failed: unable to start container process: error during container init: exec:"
                        ' "trian": executable file not found in $PATH: unknown',
                    )
                )
            )
        ),
        "start-failed",
        'start failed: the container could not start: error during container init: exec: "trian": executable file not'
        " found in $PATH (node n3)",
        exit_code=128,
        is_final=True,
    ),
    "launch failed": case(
        Evidence(failure=Failure(kind="launch-failed", text="Pod failed before containers started")),
        "start-failed",
        "start failed: Pod failed before containers started",
    ),
    "launch timed out": case(
        evidence(
            pod_json(container(state=waits("ContainerCreating")), phase="Pending"),
            event("Pulling", 'Pulling image "ghcr.io/acme/train:1"', "base", kind="Normal"),
            failure=Failure(kind="launch-timeout", seconds=120),
        ),
        "start-failed",
        "start failed: the pod still waited for the image `ghcr.io/acme/train:1` to be pulled (gave up after 2m)",
    ),
    # timeout
    "timeout": case(
        evidence(
            pod_json(container(state=RUNNING), phase="Running"),
            failure=Failure(kind="task-timeout", text="Timeout, PID: 7"),
            timeout=5400,
        ),
        "timeout",
        "timeout: the job ran longer than its timeout of 1h30m (node n3)",
    ),
    "timeout before the start": case(
        evidence(
            pod_json(
                container(),
                phase="Pending",
                node="",
                conditions=(unscheduled("0/5 nodes are available: 5 Insufficient cpu."),),
            ),
            failure=Failure(kind="task-timeout"),
            timeout=60,
        ),
        "timeout",
        "timeout: the job did not start within its timeout of 1m: it waited for a node: 0/5 nodes are available: 5"
        " Insufficient cpu",
    ),
    # exit codes
    "not executable": case(
        evidence(pod_json(container(state=ended(126)))),
        "exit-code",
        "exit code 126: the command cannot be executed (after 40s, node n3)",
    ),
    "not found": case(
        evidence(pod_json(container(state=ended(127)))),
        "exit-code",
        "exit code 127: the command was not found in the image (after 40s, node n3)",
        advice="correct the command, or use an image that has it",
    ),
    "SIGKILL without OOMKilled": case(
        evidence(pod_json(container(state=ended(137), **LIMITED))),
        "exit-code",
        "exit code 137 (SIGKILL): the program was killed, and Kubernetes does not report that memory was the reason"
        " (after 40s, node n3)",
        reasons=("Error",),
        exit_code=137,
    ),
    "segmentation fault": case(
        evidence(pod_json(container(state=ended(139)))),
        "exit-code",
        "exit code 139 (SIGSEGV): the program crashed with a segmentation fault (after 40s, node n3)",
    ),
    "SIGTERM": case(
        evidence(pod_json(container(state=ended(143)))),
        "exit-code",
        "exit code 143 (SIGTERM): the program was told to end (after 40s, node n3)",
    ),
    "termination message": case(
        evidence(pod_json(container(state=ended(64, message="no rows\nfor 2026-11-20")))),
        "exit-code",
        "exit code 64: the container failed after 40s: no rows for 2026-11-20 (node n3)",
        exit_code=64,
    ),
    "stack trace": case(
        evidence(
            pod_json(
                container(
                    state=ended(
                        1,
                        message="Traceback (most recent call last):\n"
                        + '  File "/usr/lib/python3.11/json/__init__.py", line 346, in loads\n' * 8
                        + "json.decoder.JSONDecodeError: Expecting value: line 1 column 6 (char 5)\n",
                    )
                )
            )
        ),
        "exit-code",
        "exit code 1: the container failed after 40s: json.decoder.JSONDecodeError: Expecting value: line 1 column 6"
        " (char 5) (node n3)",
        exit_code=1,
    ),
    "memory in the log": case(
        evidence(pod_json(container(state=ended(1))), log=("Traceback", "MemoryError")),
        "exit-code",
        "exit code 1: the container failed after 40s (node n3)",
        advice="use a larger flavor: the log says that memory ran out",
    ),
    "init container": case(
        evidence(
            pod_json(
                container(state=waits("PodInitializing")), init=(container("ok", ended(0)), container("get", ended(2)))
            )
        ),
        "exit-code",
        "exit code 2: the init container `get` failed after 40s (node n3)",
        container="get",
    ),
    "sidecar": case(
        evidence(pod_json(container(state=ended(0, "Completed")), container("proxy", ended(1)))),
        "exit-code",
        "exit code 1: the sidecar `proxy` failed after 40s (node n3)",
        container="proxy",
    ),
    "job before a sidecar out of memory": case(
        evidence(pod_json(container(state=ended(5)), container("proxy", ended(137, "OOMKilled"), **LIMITED))),
        "exit-code",
        "exit code 5: the container failed after 40s (node n3)",
        container="base",
        facts=(
            Fact("container `base`: Error, exit code 5", "pod.status.containerStatuses[0].state.terminated"),
            Fact("container `proxy`: OOMKilled, exit code 137", "pod.status.containerStatuses[1].state.terminated"),
        ),
    ),
    "timeout, node was not ready before": case(
        evidence(
            pod_json(
                container(state=RUNNING),
                phase="Running",
                metadata={"deletionTimestamp": "2026-11-21T10:01:00Z", "deletionGracePeriodSeconds": 30},
            ),
            event("NodeNotReady", "Node is not ready"),
            failure=Failure(kind="task-timeout", seconds=90),
        ),
        "timeout",
        "timeout: the job ran longer than its timeout of 1m30s (node n3)",
    ),
    "job before sidecar": case(
        evidence(pod_json(container("proxy", ended(1)), container("base", ended(5)))),
        "exit-code",
        "exit code 5: the container failed after 40s (node n3)",
        container="base",
    ),
    "sidecar that was stopped": case(
        evidence(pod_json(container(state=ended(3)), container("proxy", ended(137)))),
        "exit-code",
        "exit code 3: the container failed after 40s (node n3)",
        container="base",
    ),
    "sidecar in a crash loop": case(
        evidence(
            pod_json(
                container(state=waits("PodInitializing")),
                init=(
                    container(
                        "proxy", waits("CrashLoopBackOff", "back-off 10s"), restartPolicy="Always", lastState=ended(9)
                    ),
                ),
                phase="Pending",
            )
        ),
        "exit-code",
        "exit code 9: the sidecar `proxy` failed after 40s (node n3)",
        container="proxy",
    ),
    # probes
    "liveness": case(
        evidence(
            pod_json(container(state=ended(137))),
            event("Unhealthy", "Liveness probe failed: HTTP probe failed with statuscode: 500", "base"),
            event("Killing", "Container base failed liveness probe, will be restarted", "base", kind="Normal"),
        ),
        "probe-failed",
        "probe failed: the liveness probe of the container failed, so Kubernetes ended it: HTTP probe failed with"
        " statuscode: 500 (node n3, exit code 137)",
        exit_code=137,
    ),
    "startup, one event lost": case(
        evidence(
            pod_json(container(state=ended(143))),
            event("Unhealthy", "Startup probe failed: dial tcp 10.0.0.1:80: connect: connection refused", "base"),
        ),
        "probe-failed",
        "probe failed: the startup probe of the container failed, so Kubernetes ended it: dial tcp 10.0.0.1:80:"
        " connect: connection refused (node n3, exit code 143)",
    ),
    "readiness decides nothing": case(
        evidence(
            pod_json(container(state=ended(137))),
            event("Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 500", "base"),
        ),
        "exit-code",
        "exit code 137 (SIGKILL): the program was killed, and Kubernetes does not report that memory was the reason"
        " (after 40s, node n3)",
    ),
    # output
    "output": case(
        evidence(
            pod_json(container(state=ended(0, "Completed")), phase="Succeeded"),
            failure=Failure(
                kind="output-invalid", text="/airflow/xcom/return.json is not valid JSON: line 1, column 8: x"
            ),
        ),
        "output-invalid",
        "output invalid: /airflow/xcom/return.json is not valid JSON: line 1, column 8: x",
    ),
    # policy
    "guard": case(
        Evidence(failure=Failure(kind="guard", text="the pod is not created:\nover-ceiling: 8 CPU is more than 4")),
        "policy",
        "policy: the pod was not created: over-ceiling: 8 CPU is more than 4",
        is_final=True,
    ),
    "pod security": case(
        refused(
            'pods "x" is forbidden: violates PodSecurity "restricted:latest": allowPrivilegeEscalation != false'
            ' (container "base" must set securityContext.allowPrivilegeEscalation=false)'
        ),
        "policy",
        "policy: the pod security level `restricted` forbids the pod:"
        ' allowPrivilegeEscalation != false (container "base" must set securityContext.allowPrivilegeEscalation=false)',
        is_final=True,
    ),
    "webhook": case(
        refused('admission webhook "validate.kyverno.svc-fail" denied the request: require labels', 400, "BadRequest"),
        "policy",
        "policy: the admission webhook `validate.kyverno.svc-fail` forbids the pod: require labels",
        is_final=True,
    ),
    "admission policy": case(
        refused(
            "pods \"x\" is forbidden: ValidatingAdmissionPolicy 'images' with binding 'all' denied request: use a tag",
            422,
            "Invalid",
        ),
        "policy",
        "policy: the admission policy `images` forbids the pod: use a tag",
        is_final=True,
    ),
    "limit range": case(
        refused('pods "x" is forbidden: maximum memory usage per Container is 1Gi, but limit is 1536Mi'),
        "policy",
        "policy: a limit range of the namespace forbids the pod: maximum memory usage per Container is 1Gi, but"
        " limit is 1536Mi",
        is_final=True,
    ),
    "quota without limits": case(
        refused('pods "x" is forbidden: failed quota: team: must specify limits.cpu for: base'),
        "policy",
        "policy: quota `team` requires that the pod specifies limits.cpu for: base",
        is_final=True,
    ),
    # API
    "permission": case(
        refused('pods is forbidden: User "system:serviceaccount:a:w" cannot create resource "pods" in API group ""'),
        "api-error",
        "API error: `system:serviceaccount:a:w` may not create pods (HTTP 403)",
        is_final=True,
    ),
    "overloaded": case(
        refused("the server is currently unable to handle the request", 503, "ServiceUnavailable"),
        "api-error",
        "API error: the server is currently unable to handle the request (HTTP 503, ServiceUnavailable)",
    ),
    "no answer": case(
        Evidence(failure=Failure(kind="api", text="Connection refused")),
        "api-error",
        "API error: the cluster's API did not answer: Connection refused",
    ),
    "lost connection, pod failed": case(
        evidence(pod_json(container(state=ended(3))), failure=Failure(kind="api", text="Read timed out")),
        "exit-code",
        "exit code 3: the container failed after 40s (node n3)",
    ),
    # timeout of the run
    "run timeout": case(
        evidence(
            pod_json(container(state=RUNNING), phase="Running"), failure=Failure(kind="run-timeout", seconds=21600)
        ),
        "timeout",
        "timeout: the run took longer than its timeout of 6h, so Airflow ended it and the pod was deleted",
        is_final=True,
    ),
    # killed
    "worker": case(
        evidence(pod_json(container(state=RUNNING), phase="Running"), failure=Failure(kind="worker-stopped")),
        "killed",
        "killed: the worker was told to end before the job was over, so its pod was deleted",
    ),
    "pod gone": case(
        gone(event("Killing", "Stopping container base", "base", kind="Normal")),
        "killed",
        "killed: the pod was deleted while the job ran (node n3)",
    ),
    "deleted after its end": case(
        evidence(
            pod_json(
                container(state=ended(3)),
                metadata={"deletionTimestamp": "2026-11-21T10:05:00Z", "deletionGracePeriodSeconds": 30},
            )
        ),
        "exit-code",
        "exit code 3: the container failed after 40s (node n3)",
    ),
    # unknown
    "nothing": case(Evidence(), "unknown", "unknown: the evidence does not explain the failure"),
    "other exception": case(
        evidence(
            pod_json(container(state=ended(0, "Completed")), phase="Succeeded"),
            failure=Failure(text="No rows in result"),
        ),
        "unknown",
        "unknown: the container ended with exit code 0, and the try failed afterwards: No rows in result",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_constructed_case(name: str) -> None:
    one = CASES[name]
    verdict = decide(one.evidence)
    assert verdict.sentence == one.sentence
    expected = {"uses_retry": True, "is_final": False, **one.expected}
    assert verdict.kind == one.kind
    assert {key: getattr(verdict, key) for key in expected} == expected


def test_every_kind_has_a_case() -> None:
    kinds = {one.kind for one in CASES.values()} | {life[0] for life in test_verdicts_recorded.LIVES.values()}
    assert kinds == set(get_args(Kind))
