"""The life of a pod: phases, container states, exit codes, conditions and events."""

from __future__ import annotations

import time

import pytest
from kubernetes.client import ApiException
from live import Live, pod, terminated, until


@pytest.fixture(scope="module", params=["processes", "docker"])
def live(request: pytest.FixtureRequest) -> Live:
    """Both engines, one after the other."""
    found: Live = request.getfixturevalue(request.param)
    return found


def _conditions(found: dict) -> dict[str, tuple[str, str]]:
    return {c["type"]: (c["status"], c.get("reason", "")) for c in found["status"]["conditions"]}


def test_a_pod_that_succeeds(live: Live) -> None:
    found = live.run(pod("succeeds", "echo out; echo err >&2; echo done"))
    assert found["status"]["phase"] == "Succeeded"
    state = terminated(found)
    assert (state["exitCode"], state["reason"]) == (0, "Completed")
    assert state["startedAt"] <= state["finishedAt"]
    assert _conditions(found) == {
        "PodReadyToStartContainers": ("False", ""),
        "Initialized": ("True", "PodCompleted"),
        "Ready": ("False", "PodCompleted"),
        "ContainersReady": ("False", "PodCompleted"),
        "PodScheduled": ("True", ""),
    }
    # Docker reads the two streams separately, as containerd does. Lines of the same moment may change order.
    assert sorted(live.log("succeeds").splitlines()) == ["done", "err", "out"]
    assert [reason for _, reason, _ in live.events("succeeds")] == ["Scheduled", "Pulled", "Created", "Started"]


def test_the_exit_code_is_that_of_the_program(live: Live) -> None:
    found = live.run(pod("exits3", "echo failing; exit 3"))
    assert found["status"]["phase"] == "Failed"
    assert (terminated(found)["exitCode"], terminated(found)["reason"]) == (3, "Error")
    assert _conditions(found)["Ready"] == ("False", "PodFailed")


def test_a_program_that_does_not_exist(live: Live) -> None:
    found = live.run(pod("nocommand", container={"command": ["/does/not/exist"]}))
    state = terminated(found)
    assert (state["exitCode"], state["reason"]) == (128, "StartError")
    assert 'exec: "/does/not/exist": stat /does/not/exist: no such file or directory: unknown' in state["message"]
    assert state["startedAt"] == "1970-01-01T00:00:00Z"


def test_the_termination_message(live: Live) -> None:
    body = pod("lastword", "echo bad input > /dev/termination-log; exit 1")
    assert terminated(live.run(body))["message"] == "bad input\n"
    body = pod(
        "fromlog", "echo first; echo why; exit 1", container={"terminationMessagePolicy": "FallbackToLogsOnError"}
    )
    assert terminated(live.run(body))["message"] == "first\nwhy\n"


def test_a_deadline_ends_the_pod(live: Live) -> None:
    # As the first process of its container, sleep ignores TERM. It is killed after the grace period.
    # On a busy machine a short deadline may pass before the container has started: then a longer one is tried.
    for seconds in (1, 5, 25):
        body = pod(f"deadline-{seconds}", container={"command": ["sleep", "600"]}, activeDeadlineSeconds=seconds)
        found = live.run(body)
        if "terminated" in found["status"]["containerStatuses"][0]["state"]:
            break
    assert (found["status"]["phase"], found["status"]["reason"]) == ("Failed", "DeadlineExceeded")
    assert found["status"]["message"] == "Pod was active on the node longer than the specified deadline"
    assert (terminated(found)["exitCode"], terminated(found)["reason"]) == (137, "Error")


def test_a_deadline_that_is_set_while_the_pod_runs(live: Live) -> None:
    name = live.create(pod("late-deadline", container={"command": ["sleep", "600"]}))
    live.phase(name, "Running")
    live.api.patch_namespaced_pod(name, "default", {"spec": {"activeDeadlineSeconds": 1}})
    found = live.phase(name, "Failed")
    assert found["status"]["reason"] == "DeadlineExceeded"


def test_restart_on_failure_keeps_the_last_state(live: Live) -> None:
    script = "test -e /keep/once && exit 0; touch /keep/once; echo first run; exit 5"
    body = pod(
        "restarts",
        script,
        restartPolicy="OnFailure",
        volumes=[{"name": "keep", "emptyDir": {}}],
        container={"volumeMounts": [{"name": "keep", "mountPath": "/keep"}]},
    )
    found = live.run(body)
    status = found["status"]["containerStatuses"][0]
    assert found["status"]["phase"] == "Succeeded"
    assert status["restartCount"] == 1
    assert status["lastState"]["terminated"]["exitCode"] == 5
    assert live.log("restarts", previous=True) == "first run\n"


def test_the_restart_policy_always_backs_off(live: Live) -> None:
    name = live.create(pod("crashes", "exit 1", restartPolicy="Always"))
    found = live.waits_for(name, "CrashLoopBackOff")
    assert found["status"]["phase"] == "Running"
    assert "back-off 10s restarting failed container=base" in str(found["status"]["containerStatuses"][0]["state"])
    live.api.delete_namespaced_pod(name, "default")
    live.gone(name)


def test_delete_waits_for_the_grace_period(live: Live) -> None:
    script = "trap 'echo bye; exit 0' TERM; echo up; while true; do sleep 0.05; done"
    live.create(pod("polite", script, terminationGracePeriodSeconds=300))  # on a busy machine, the shell needs time
    until(lambda: live.get("polite")["status"]["phase"] == "Running" and "up" in live.log("polite"))
    seen = []
    answer = live.call("DELETE", "/api/v1/namespaces/default/pods/polite")
    assert answer["kind"] == "Pod"
    assert answer["metadata"]["deletionGracePeriodSeconds"] == 300
    version = int(answer["metadata"]["resourceVersion"]) - 1
    for event in live.watch(field_selector="metadata.name=polite", resource_version=str(version), timeout_seconds=300):
        raw = event["raw_object"]
        seen.append((event["type"], raw["status"]["phase"], raw["metadata"]["deletionGracePeriodSeconds"]))
        if event["type"] == "DELETED":
            break
    assert seen == [
        ("MODIFIED", "Running", 300),
        ("MODIFIED", "Succeeded", 300),
        ("MODIFIED", "Succeeded", 0),
        ("DELETED", "Succeeded", 0),
    ]


def test_a_pod_that_ignores_term_is_killed_after_the_grace_period(live: Live) -> None:
    live.create(
        pod("stubborn", "trap '' TERM; echo up; while true; do sleep 0.05; done", terminationGracePeriodSeconds=1)
    )
    live.phase("stubborn", "Running")
    until(lambda: "up" in live.log("stubborn"))
    began = time.monotonic()
    live.call("DELETE", "/api/v1/namespaces/default/pods/stubborn")
    live.gone("stubborn")
    assert time.monotonic() - began > 0.9


def test_grace_zero_removes_at_once(live: Live) -> None:
    live.create(
        pod("forced", "trap '' TERM; echo up; while true; do sleep 0.05; done", terminationGracePeriodSeconds=30)
    )
    live.phase("forced", "Running")
    until(lambda: "up" in live.log("forced"))
    live.call("DELETE", "/api/v1/namespaces/default/pods/forced", {"gracePeriodSeconds": 0})
    with pytest.raises(ApiException) as failure:
        live.get("forced")
    assert failure.value.status == 404


def test_init_containers_run_first_and_share_volumes(live: Live) -> None:
    mounts = {"volumeMounts": [{"name": "work", "mountPath": "/work-here"}]}
    first = {"name": "first", "image": "alpine:3", "command": ["sh", "-c", "echo one > /work-here/f"], **mounts}
    second = {"name": "second", "image": "alpine:3", "command": ["sh", "-c", "echo two >> /work-here/f"], **mounts}
    body = pod(
        "inits",
        "cat /work-here/f",
        initContainers=[first, second],
        volumes=[{"name": "work", "emptyDir": {}}],
        container=mounts,
    )
    found = live.run(body)
    assert found["status"]["phase"] == "Succeeded"
    assert live.log("inits", container="base") == "one\ntwo\n"
    assert [s["ready"] for s in found["status"]["initContainerStatuses"]] == [True, True]


def test_a_failing_init_container_ends_the_pod(live: Live) -> None:
    first = {"name": "first", "image": "alpine:3", "command": ["sh", "-c", "exit 4"]}
    found = live.run(pod("badinit", "echo never", initContainers=[first]))
    assert found["status"]["phase"] == "Failed"
    assert terminated(found, "first")["exitCode"] == 4
    assert found["status"]["containerStatuses"][0]["state"] == {"waiting": {"reason": "PodInitializing"}}
    assert _conditions(found)["Initialized"] == ("False", "ContainersNotInitialized")


def test_a_native_sidecar_ends_with_the_pod(live: Live) -> None:
    sidecar = {
        "name": "proxy",
        "image": "alpine:3",
        "restartPolicy": "Always",
        "command": ["sh", "-c", "trap 'exit 0' TERM; touch /tmp/up; while true; do sleep 0.05; done"],
        "startupProbe": {"exec": {"command": ["test", "-e", "/tmp/up"]}, "periodSeconds": 1, "failureThreshold": 300},
    }
    found = live.run(pod("withsidecar", "echo work", initContainers=[sidecar], terminationGracePeriodSeconds=300))
    assert found["status"]["phase"] == "Succeeded"
    assert terminated(found, "proxy")["exitCode"] == 0


def test_an_unknown_image(live: Live) -> None:
    name = live.create(pod("noimage", container={"image": "registry.example.org/nope:1"}))
    found = live.waits_for(name, "ErrImagePull")
    assert found["status"]["phase"] == "Pending"
    assert 'failed to resolve reference "registry.example.org/nope:1"' in str(
        found["status"]["containerStatuses"][0]["state"]
    )
    with pytest.raises(ApiException) as failure:
        live.log(name)
    assert failure.value.status == 400
    live.waits_for(name, "ImagePullBackOff")
    assert ("Warning", "Failed", "Error: ImagePullBackOff") in live.events(name)
    live.call("DELETE", f"/api/v1/namespaces/default/pods/{name}")
    live.gone(name)


@pytest.mark.parametrize(
    ("container", "reason"),
    [
        ({"image": "UPPER CASE:::"}, "InvalidImageName"),
        ({"image": "nope:1", "imagePullPolicy": "Never"}, "ErrImageNeverPull"),
        ({"envFrom": [{"secretRef": {"name": "missing"}}]}, "CreateContainerConfigError"),
    ],
)
def test_a_container_that_cannot_be_created_reports_the_reason(live: Live, container: dict, reason: str) -> None:
    name = live.create(pod(f"waits-{reason.lower()}", container=container))
    live.waits_for(name, reason)
    live.call("DELETE", f"/api/v1/namespaces/default/pods/{name}", {"gracePeriodSeconds": 0})


def test_a_pod_that_waits_for_a_secret_continues_when_it_exists(live: Live) -> None:
    name = live.create(pod("patient", "echo $KEY", container={"envFrom": [{"secretRef": {"name": "late"}}]}))
    live.waits_for(name, "CreateContainerConfigError")
    live.api.create_namespaced_secret("default", {"metadata": {"name": "late"}, "stringData": {"KEY": "hush"}})
    live.phase(name, "Succeeded")
    assert live.log(name) == "hush\n"


def test_a_pod_that_does_not_fit_waits_and_is_reported(live: Live) -> None:
    wanted = {"resources": {"requests": {"memory": "900Gi"}}}
    name = live.create(pod("toobig", container=wanted))
    found = until(lambda: (p := live.get(name))["status"].get("conditions") and p)
    condition = found["status"]["conditions"][0]
    assert (condition["type"], condition["status"], condition["reason"]) == ("PodScheduled", "False", "Unschedulable")
    assert condition["message"].startswith("0/1 nodes are available: 1 Insufficient memory.")
    assert [(kind, reason) for kind, reason, _ in live.events(name)] == [("Warning", "FailedScheduling")]
    live.call("DELETE", f"/api/v1/namespaces/default/pods/{name}")
    live.gone(name)


def test_a_pod_waits_for_missing_gpus(live: Live) -> None:
    name = live.create(pod("gpu", container={"resources": {"limits": {"nvidia.com/gpu": "1"}}}))
    found = until(lambda: (p := live.get(name))["status"].get("conditions") and p)
    assert "1 Insufficient nvidia.com/gpu." in found["status"]["conditions"][0]["message"]
    live.call("DELETE", f"/api/v1/namespaces/default/pods/{name}")


def test_a_queued_pod_starts_when_resources_are_free(live: Live) -> None:
    big = {"resources": {"requests": {"memory": "5Gi"}}}
    live.create(pod("holder", "while true; do sleep 0.05; done", container=big))
    live.phase("holder", "Running")
    live.create(pod("queued", "echo in", container=big))
    until(lambda: live.get("queued")["status"].get("conditions"))
    assert "nodeName" not in live.get("queued")["spec"]
    live.call("DELETE", "/api/v1/namespaces/default/pods/holder", {"gracePeriodSeconds": 0})
    assert live.phase("queued", "Succeeded")


def test_node_selectors_are_respected(live: Live) -> None:
    name = live.create(pod("elsewhere", nodeSelector={"disk": "fast"}))
    found = until(lambda: (p := live.get(name))["status"].get("conditions") and p)
    assert "didn't match Pod's node affinity/selector" in found["status"]["conditions"][0]["message"]
    live.call("DELETE", f"/api/v1/namespaces/default/pods/{name}")


def test_no_interval_delays_the_first_line_of_a_pod(live: Live) -> None:
    bound = (
        10 if live.engine == "docker" else 3
    )  # seconds for the fastest of ten, far more than a pod takes on a busy machine
    took = []
    for index in range(10):
        began = time.monotonic()
        name = live.create(pod(f"quick{index}", "echo first; sleep 0.1"))
        until(lambda name=name: live.get(name)["status"].get("startTime"))
        until(lambda name=name: "waiting" not in live.get(name)["status"]["containerStatuses"][0]["state"])
        answer = live.api.read_namespaced_pod_log(name, "default", follow=True, _preload_content=False)
        assert next(iter(answer.stream())).startswith(b"first")
        took.append(time.monotonic() - began)
        if took[-1] < bound:
            break
    assert min(took) < bound, took
