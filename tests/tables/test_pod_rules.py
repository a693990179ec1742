"""Pod security and allow-lists of environments and teams, on the final pod of a job."""

from __future__ import annotations

import pytest
from table_project import MINIMAL, PIPELINE, Project

DEV = "version: 1\n"
TEAM = "version: 1\nteams: {team: {%s}}\n"


def under(rule: str, job: str, level: str = "environment", files: dict[str, str] | None = None) -> Project:
    """A job under one rule, set by the environment or by the team."""
    flow = f"{PIPELINE}jobs: {{a: {job}}}\n"
    tables = {"environments/dev": DEV + rule + "\n"} if level == "environment" else {"teams": TEAM % rule}
    return Project({**MINIMAL.files, **tables, "pipelines/team/flow": flow, **(files or {})})


def codes(project: Project) -> list[str]:
    """The code of each problem; warnings are marked."""
    return [f"{one.code}{'?' * (one.severity == 'warning')}" for one in project.compile().problems]


PRIVILEGED = "{security_context: {privileged: true}}"


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("pod_security: privileged", []),
        ("pod_security: baseline", ["pod-security"]),
        ("pod_security: restricted", ["pod-security"]),
        ("description: without a level", ["pod-security?"]),
        ("pod_security: null", ["pod-security?"]),
    ],
)
def test_level_applies_to_each_job(rule: str, expected: list[str]) -> None:
    assert codes(under(rule, PRIVILEGED)) == expected
    assert codes(under(rule, "{}")) == []


def test_warning_without_a_level() -> None:
    found = under("description: text", PRIVILEGED)
    assert found.messages() == (
        "`privileged` must not be set to true: the pod security level `baseline` forbids it (Privileged Containers)"
        " -- leave the key out; in the next release this is an error, "
        "unless the environment sets `pod_security: privileged`"
    )
    assert found.problems() == ["pod-security flow.yaml:3:43 jobs.a.security_context.privileged"]
    assert found.pipelines()


def test_breach_names_the_rule_and_its_position() -> None:
    job = "{sidecars: [{name: proxy, image: 'acme/proxy:1', securityContext: {privileged: true}}]}"
    found = under("pod_security: baseline", job)
    assert found.problems() == ["pod-security flow.yaml:3:90 jobs.a.sidecars[0].securityContext.privileged"]
    assert found.messages() == (
        "`privileged` must not be set to true in the container `proxy`: the environment `dev` sets "
        "`pod_security: baseline` (Privileged Containers) -- leave the key out; "
        "see configs/platform/environments/dev.yaml:2"
    )


@pytest.mark.parametrize(
    "job",
    [
        "{pod: {spec: {hostPID: true}}}",
        "{pod: {spec: {hostNetwork: true}}}",
        "{pod: {spec: {containers: [{name: base, securityContext: {privileged: true}}]}}}",
        "{pod: {spec: {initContainers: [{name: i, image: 'i:1', securityContext: {privileged: true}}]}}}",
        "{volumes: [{mount_path: /host, host_path: /}]}",
        "{pod: {spec: {volumes: [{name: host, hostPath: {path: /}}]}}}",
        "{init_containers: [{name: i, image: 'i:1', securityContext: {capabilities: {add: [SYS_ADMIN]}}}]}",
        "{pod_security_context: {sysctls: [{name: kernel.msgmax, value: '1'}]}}",
        "{annotations: {container.apparmor.security.beta.kubernetes.io/base: unconfined}}",
        "{ports: [{containerPort: 80, hostPort: 80}]}",
    ],
)
def test_baseline_checks_the_final_pod(job: str) -> None:
    assert codes(under("pod_security: baseline", job)) == ["pod-security"]
    assert codes(under("pod_security: baseline", job, "team")) == ["pod-security"]
    assert codes(under("description: none", job)) == ["pod-security?"]


def test_strictest_level_applies() -> None:
    teams = "version: 1\nteams: {team: {pod_security: restricted}, team/in: {pod_security: privileged}}\n"
    files = {"teams": teams, "pipelines/team/in/flow": PIPELINE + "jobs: {a: {security_context: {runAsUser: 0}}}\n"}
    found = under("pod_security: baseline", "{}", files=files)
    assert found.messages() == (
        "`securityContext.runAsUser` must not be 0, which is root: the team `team` sets `pod_security: restricted` "
        "(Running as Non-root user) -- use another user, or leave the key out; see configs/platform/teams.yaml:2"
    )


CONTAINERS = """{
  output: json,
  sidecars: [{name: side, image: "s:1", securityContext: {capabilities: {add: [NET_BIND_SERVICE]}}}],
  init_containers: [{name: first, image: "i:1"}],
  pod: {spec: {containers: [{name: base, env: [{name: A, value: b}]}, {name: beside, image: "b:1"}]}}}"""


@pytest.mark.parametrize("level", ["environment", "team"])
def test_restricted_sets_what_it_requires(level: str) -> None:
    found = under("pod_security: restricted", CONTAINERS, level)
    assert codes(found) == ["second-container?"]
    pipeline = found.pipelines()["team.flow"]
    (job,) = pipeline.jobs
    closed = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    assert job.pod_security_context == {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    assert job.security_context == closed
    side, first = job.init_containers
    assert side["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "capabilities": {"add": ["NET_BIND_SERVICE"], "drop": ["ALL"]},
    }
    assert first["securityContext"] == closed
    assert job.pod is not None
    base, beside = job.pod["spec"]["containers"]
    assert "securityContext" not in base
    assert beside["securityContext"] == closed
    assert pipeline.cluster.xcom_sidecar is not None
    assert pipeline.cluster.xcom_sidecar.security_context == {
        "runAsUser": 65534,
        "runAsNonRoot": True,
        "seccompProfile": {"type": "RuntimeDefault"},
        **closed,
    }


@pytest.mark.parametrize(
    "job",
    [
        "{security_context: {allowPrivilegeEscalation: true}}",
        "{security_context: {capabilities: {drop: [NET_RAW]}}}",
        "{security_context: {runAsNonRoot: false}}",
        "{pod_security_context: {runAsNonRoot: false}}",
        "{pod_security_context: {runAsUser: 0}}",
        "{pod: {spec: {containers: [{name: base, securityContext: null}]}}}",
        "{pod: {spec: {volumes: [{name: n, nfs: {server: s, path: /}}]}}}",
        "{init_containers: [{name: i, image: 'i:1', securityContext: {runAsUser: 0}}]}",
    ],
)
def test_other_values_in_the_pipeline_are_errors(job: str) -> None:
    assert set(codes(under("pod_security: restricted", job))) == {"pod-security"}
    assert codes(under("pod_security: baseline", job)) == []


def test_windows_pod_gets_only_windows_settings() -> None:
    found = under("pod_security: restricted", "{pod: {spec: {os: {name: windows}}}}")
    (job,) = found.pipelines()["team.flow"].jobs
    assert job.pod_security_context == {"runAsNonRoot": True}
    assert job.security_context is None


def test_xcom_sidecar_is_checked() -> None:
    rule = "cluster: {xcom_sidecar: {security_context: {privileged: true}}}\npod_security: baseline"
    found = under(rule, "{output: json}")
    assert "in the container `airflow-xcom-sidecar`" in found.messages()
    assert codes(under(rule, "{}")) == []


TOKEN = "{pod: {spec: {volumes: [{name: t, projected: {sources: [{serviceAccountToken: {path: t, audience: sts}}]}}]}}}"
AFFINITY = "{affinity: {nodeAffinity: {%s: %s}}}"
REQUIRED = AFFINITY % ("requiredDuringSchedulingIgnoredDuringExecution", "{nodeSelectorTerms: [%s]}")
PREFERRED = AFFINITY % ("preferredDuringSchedulingIgnoredDuringExecution", "[{weight: 1, preference: %s}]")
EPHEMERAL = "{pod: {spec: {volumes: [{name: e, ephemeral: {volumeClaimTemplate: {spec: %s}}}]}}}"
VOLUME = "{pod: {spec: {volumes: [{name: v, %s}]}}}"
STORE = "csi: {driver: secrets-store.csi.k8s.io, volumeAttributes: {secretProviderClass: %s}}"

OTHER_CONTAINER = "{KEY: [{name: c, image: 'c:1', env: [{name: A, valueFrom: {secretKeyRef: {name: NAME, key: k}}}]}]}"

ALLOWED = [  # a rule, a job that it allows, and a job that it does not allow
    ("service_accounts: ['team-*']", "{service_account: team-a}", "{service_account: other}"),
    ("service_accounts: ['team-*']", "{service_account: team-a}", "{}"),
    ("service_accounts: [default]", TOKEN, "{pod: {spec: {serviceAccountName: other}}}"),
    ("service_accounts: [default]", "{}", "{pod: {spec: {serviceAccount: other}}}"),
    ("secrets: ['team-*']", "{env: {A: {secret: team-a/key}}}", "{env: {A: {secret: other/key}}}"),
    ("secrets: ['team-*']", "{env_from: [{secret: team-a}]}", "{env_from: [{secret: other}]}"),
    ("secrets: [a]", "{volumes: [{mount_path: /s, secret: a}]}", "{volumes: [{mount_path: /s, secret: other}]}"),
    (
        "secrets: [a]",
        VOLUME % "projected: {sources: [{secret: {name: a}}]}",
        VOLUME % "projected: {sources: [{secret: {name: other}}]}",
    ),
    ("secrets: [a]", VOLUME % (STORE % "a"), VOLUME % (STORE % "other")),
    (
        "secrets: [a]",
        VOLUME % "csi: {driver: d, nodePublishSecretRef: {name: a}}",
        VOLUME % "csi: {driver: d, nodePublishSecretRef: {name: other}}",
    ),
    ("secrets: [a]", "{}", VOLUME % "cephfs: {monitors: [m], secretRef: {name: other}}"),
    ("secrets: [a]", "{}", VOLUME % "azureFile: {shareName: s, secretName: other}"),
    *[
        (
            "secrets: [a]",
            OTHER_CONTAINER.replace("KEY", key).replace("NAME", "a"),
            OTHER_CONTAINER.replace("KEY", key).replace("NAME", "other"),
        )
        for key in ("sidecars", "init_containers")
    ],
    (
        "secrets: [a]",
        "{}",
        "{pod: {spec: {containers: [{name: base, envFrom: [{secretRef: {name: other}}]}]}}}",
    ),
    ("secrets: []", "{}", "{env: {A: {secret: other/key}}}"),
    ("config_maps: [a]", "{env: {A: {config_map: a/key}}}", "{env: {A: {config_map: other/key}}}"),
    ("config_maps: [a]", "{env_from: [{config_map: a}]}", "{env_from: [{config_map: other}]}"),
    (
        "config_maps: [a]",
        "{volumes: [{mount_path: /c, config_map: a}]}",
        "{volumes: [{mount_path: /c, config_map: b}]}",
    ),
    ("config_maps: [a]", "{}", VOLUME % "projected: {sources: [{configMap: {name: other}}]}"),
    ("claims: ['data-?']", "{volumes: [{mount_path: /d, pvc: data-1}]}", "{volumes: [{mount_path: /d, pvc: data-12}]}"),
    ("claims: ['ephemeral:fast']", EPHEMERAL % "{storageClassName: fast}", EPHEMERAL % "{storageClassName: slow}"),
    (
        "claims: ['ephemeral:*', mine]",
        EPHEMERAL % "{dataSource: {kind: PersistentVolumeClaim, name: mine}}",
        EPHEMERAL % "{dataSource: {kind: PersistentVolumeClaim, name: other}}",
    ),
    ("claims: ['csi:d']", VOLUME % "csi: {driver: d}", VOLUME % "csi: {driver: other}"),
    ("claims: []", "{volumes: [{mount_path: /d, empty_dir: {}}]}", VOLUME % "nfs: {server: s, path: /}"),
    ("priority_classes: [low]", "{priority_class: low}", "{priority_class: high}"),
    ("priority_classes: [low]", "{}", "{pod: {spec: {priorityClassName: high}}}"),
    ("runtime_classes: [gvisor]", "{runtime_class: gvisor}", "{runtime_class: other}"),
    ("schedulers: [a]", "{pod: {spec: {schedulerName: a}}}", "{pod: {spec: {schedulerName: other}}}"),
    ("schedulers: ['*']", "{}", "{pod: {spec: {nodeName: node-1}}}"),
    ("pull_secrets: [a]", "{image_pull_secrets: [a]}", "{image_pull_secrets: [a, other]}"),
    ("pools: [default_pool]", "{}", "{pool: gpu}"),
    ("pools: [gpu]", "{pool: gpu}", "{}"),
    ("node_selectors: ['pool=team-*']", "{node_selector: {pool: team-a}}", "{node_selector: {pool: other}}"),
    ("node_selectors: [pool]", "{node_selector: {pool: any}}", "{node_selector: {zone: any}}"),
    ("node_selectors: ['*']", "{}", "{pod: {spec: {nodeName: node-1}}}"),
    (
        "node_selectors: ['pool=team-*']",
        REQUIRED % "{matchExpressions: [{key: pool, operator: In, values: [team-a, team-b]}]}",
        REQUIRED % "{matchExpressions: [{key: pool, operator: In, values: [team-a, other]}]}",
    ),
    (
        "node_selectors: ['pool=*', 'zone=a']",
        REQUIRED % "{matchExpressions: [{key: pool, operator: NotIn, values: [a]}]}",
        REQUIRED % "{matchExpressions: [{key: zone, operator: Exists}]}",
    ),
    (
        "node_selectors: ['zone=a']",
        PREFERRED % "{matchExpressions: [{key: zone, operator: In, values: [a]}]}",
        PREFERRED % "{matchFields: [{key: metadata.name, operator: In, values: [node-1]}]}",
    ),
    (
        "tolerations: ['team=a:NoSchedule']",
        "{tolerations: [{key: team, value: a, effect: NoSchedule}]}",
        "{tolerations: [{key: team, value: a, effect: NoExecute}]}",
    ),
    (
        "tolerations: ['team=a:NoSchedule']",
        "{}",
        "{tolerations: [{key: team, operator: Exists, effect: NoSchedule}]}",
    ),
    ("tolerations: ['team=a:?', 'team=?:NoSchedule']", "{}", "{tolerations: [{key: team, operator: Exists}]}"),
    (
        "tolerations: [team]",
        "{tolerations: [{key: team, operator: Exists}]}",
        "{tolerations: [{key: teams, operator: Exists}]}",
    ),
    ("tolerations: ['*']", "{tolerations: [{key: team, operator: Exists}]}", "{tolerations: [{operator: Exists}]}"),
    ("tolerations: ['*']", "{}", "{pod: {spec: {nodeName: node-1}}}"),
    ("labels: ['cost=1*']", "{labels: {cost: '12'}}", "{labels: {cost: '2'}}"),
    ("labels: [day]", "{labels: {day: '{{ ds }}'}}", "{labels: {night: '{{ ds }}'}}"),
    ("labels: ['day=a']", "{labels: {day: a}}", "{labels: {day: '{{ ds }}'}}"),
    ("labels: []", "{}", "{pod: {metadata: {labels: {'azure.workload.identity/use': 'true'}}}}"),
    ("annotations: ['a.io/*']", "{annotations: {a.io/b: 'x=y'}}", "{annotations: {iam.io/role: admin}}"),
    ("annotations: ['*=x']", "{annotations: {a: x}}", "{annotations: {a: 'b=x'}}"),
]


@pytest.mark.parametrize("level", ["environment", "team"])
@pytest.mark.parametrize(("rule", "good", "bad"), ALLOWED)
def test_allow_list(rule: str, good: str, bad: str, level: str) -> None:
    privileged = "pod_security: privileged"
    rule = f"{rule}\n{privileged}" if level == "environment" else f"{rule}, {privileged}"
    assert codes(under(rule, good, level)) == []
    assert codes(under(rule, bad, level)) == ["not-allowed"]
    assert codes(under(privileged, bad, level)) == []


@pytest.mark.parametrize(
    ("rule", "job"),
    [
        ("claims: ['*']", "{volumes: [{mount_path: /d, pvc: '{{ run_id }}'}]}"),
        ("config_maps: [a]", "{volumes: [{mount_path: /d, config_map: '{{ ds }}'}]}"),
    ],
)
def test_run_time_name_cannot_be_allowed(rule: str, job: str) -> None:
    found = under(rule, job)
    assert codes(found) == ["hidden-reference"]
    assert "is not known until run time, but the environment `dev` limits" in found.messages()
    assert "write the name, or compute it with `${{ }}`" in found.messages()
    assert codes(under("description: text", job)) == []


def test_all_lists_apply() -> None:
    teams = "version: 1\nteams: {team: {secrets: ['*-a', '*-b']}, team/in: {secrets: ['in-*', out-b]}}\n"
    for name, expected in (("in-a", []), ("in-b", ["the environment `dev`"]), ("in-c", ["`dev`", "team `team`"])):
        flow = PIPELINE + "jobs: {a: {env: {A: {secret: NAME/key}}}}\n".replace("NAME", name)
        files = {"teams": teams, "pipelines/team/in/flow": flow}
        message = under("secrets: [in-a, out-b]", "{}", files=files).messages()
        assert len(message.splitlines()) == len(expected)
        assert all(one in message for one in expected)
    flow = PIPELINE + "jobs: {a: {env: {A: {secret: out-a/key}}}}\n"
    message = under("secrets: ['*']", "{}", files={"teams": teams, "pipelines/team/in/flow": flow}).messages()
    assert message == (
        "the team `team/in` does not allow the secret `out-a` -- use one of: in-*, out-b; "
        "see configs/platform/teams.yaml:2"
    )


def test_empty_list_allows_nothing() -> None:
    found = under("secrets: []", "{env: {A: {secret: other/key}}}")
    assert found.problems() == ["not-allowed flow.yaml:3:21 jobs.a.env.A"]
    assert found.messages() == (
        "the environment `dev` does not allow the secret `other` -- remove it; "
        "see configs/platform/environments/dev.yaml:2"
    )


def test_presets_by_name() -> None:
    presets = "version: 1\npresets: {good: {env: {A: b}}, bad: {env: {A: c}}}\n"
    for where in ("{presets: [good]}", "{presets: [good, bad]}"):
        expected = ["not-allowed"] if "bad" in where else []
        assert codes(under("presets: [good]", where, files={"presets": presets})) == expected
    found = under("presets: [good]", "{presets: [good, bad]}", files={"presets": presets})
    assert found.problems() == ["not-allowed flow.yaml:3:28 jobs.a.presets[1]"]


def test_templates_by_name_and_version() -> None:
    template = "version: 1\n---\ndescription: text\n"
    files = {f"templates/pipelines/t/v{number}.yaml.j2": template for number in (1, 2)}
    files |= {"templates/jobs/j/v1.yaml.j2": "version: 1\n---\nscript: echo\n"}
    for rule, expected in (
        ("templates: ['t@v1', j]", ["not-allowed flow.yaml:4:11 template"]),
        ("templates: [t]", ["not-allowed flow.yaml:3:18 jobs.a.uses"]),
        ("templates: ['*']", []),
    ):
        flow = PIPELINE + "jobs: {a: {uses: j@v1}}\ntemplate: t@v2\n"
        assert under(rule, "{}", files={**files, "pipelines/team/flow": flow}).problems() == expected
