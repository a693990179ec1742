"""Sidecars, init containers and the raw overlay, checked as one pod."""

from __future__ import annotations

import pytest
from written import Written, built, job, problems, said

from dag_factory.config.pod.containers import job_containers

SIDECAR = "{name: proxy, image: 'proxy:1', resources: {limits: {cpu: 500m, memory: 1Gi}}}"
CEILING = {"dev": "version: 1\nflavors: {max: {cpu: 2, memory: 2Gi}}\n"}


def test_sidecars_are_native_and_start_first() -> None:
    found = job(f"jobs: {{a: {{init_containers: [{{name: fetch, image: f}}], sidecars: [{SIDECAR}]}}}}")
    assert [(one["name"], one.get("restartPolicy")) for one in found.init_containers] == [
        ("proxy", "Always"),
        ("fetch", None),
    ]


def test_layers_merge_containers_by_name() -> None:
    head = (
        "version: 1\ndefaults: {docker_image: i, resource_flavor: small, sidecars: [{name: p, image: a, tty: true}]}\n"
    )
    found = job("jobs: {a: {sidecars: [{name: p, image: b}, {name: q, image: c}]}}", head=head)
    assert [(one["name"], one["image"], one.get("tty")) for one in found.init_containers] == [
        ("p", "b", True),
        ("q", "c", None),
    ]


def test_ports_and_aliases() -> None:
    found = job(
        "jobs: {a: {ports: [8080, {containerPort: 9090, name: metrics}],"
        " host_aliases: [{ip: 10.0.0.7, hostnames: [w]}]}}"
    )
    assert found.ports == ({"containerPort": 8080}, {"containerPort": 9090, "name": "metrics"})
    assert found.host_aliases == ({"ip": "10.0.0.7", "hostnames": ["w"]},)


def test_rules_check_the_final_pod() -> None:
    text = f"jobs: {{a: {{sidecars: [{SIDECAR}], pod: {{spec: {{containers: ["
    text += "{name: base, image: 'other:1'}, {name: extra, image: 'extra:1'}]}}}}"
    compiled = Written(text).compiled()
    assert [problem.code for problem in compiled.problems] == ["second-container"]
    [found] = compiled.pipelines[0].jobs
    assert [(one.name, one.kind, one.image) for one in job_containers(found)] == [
        ("base", "job", "other:1"),
        ("extra", "extra", "extra:1"),
        ("proxy", "sidecar", "proxy:1"),
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("sidecars: [{name: base, image: a}]", "container-name-taken 1:30 jobs.a.sidecars[0].name"),
        ("sidecars: [{name: airflow-xcom-sidecar, image: a}]", "container-name-taken 1:30 jobs.a.sidecars[0].name"),
        (
            "sidecars: [{name: x, image: a}], init_containers: [{name: x, image: a}]",
            "container-name-taken 1:70 jobs.a.init_containers[0].name",
        ),
        ("sidecars: [{name: x, image: a}, {name: x, image: b}]", "container-name-taken 1:51 jobs.a.sidecars[1].name"),
        ("sidecars: [{name: x}]", "missing-key 1:23 jobs.a.sidecars[0]"),
        ("sidecars: [{name: A_b, image: a}]", "bad-name 1:30 jobs.a.sidecars[0].name"),
        (
            "sidecars: [{name: x, image: a, restartPolicy: Never}]",
            "bad-restart-policy 1:58 jobs.a.sidecars[0].restartPolicy",
        ),
        (
            "sidecars: [{name: x, image: a, env: [{name: A, value: 1}]}]",
            "wrong-type 1:66 jobs.a.sidecars[0].env[0].value",
        ),
        (
            "sidecars: [{name: x, image: a, image_pull_policy: Always}]",
            "unknown-key 1:43 jobs.a.sidecars[0].image_pull_policy",
        ),
        ("sidecars: [{name: x, image: '{{ ds }}'}]", "unrendered-template 1:40 jobs.a.sidecars[0].image"),
        ("sidecars: [{name: x, image: a, args: ['{{ dss }}']}]", "undefined-name 1:50 jobs.a.sidecars[0].args[0]"),
        (
            "init_containers: [{name: x, image: a, resources: {limits: {memory: lots}}}]",
            "bad-quantity 1:79 jobs.a.init_containers[0].resources.limits.memory",
        ),
        (
            "init_containers: [{name: x, image: a, volumeMounts: [{name: dta, mountPath: /d}]}],"
            " volumes: [{mount_path: /d, empty_dir: {}, name: data}]",
            "unknown-volume 1:72 jobs.a.init_containers[0].volumeMounts[0].name",
        ),
        ("ports: [70000]", "bad-port 1:20 jobs.a.ports[0]"),
        ("ports: [{port: 1}]", "missing-key 1:20 jobs.a.ports[0]"),
        ("host_aliases: [{hostnames: [a]}]", "missing-key 1:27 jobs.a.host_aliases[0]"),
        ("pod: {hostNetwork: true}", "unknown-key 1:18 jobs.a.pod.hostNetwork"),
        ("pod: {spec: {restartPolicy: Always}}", "unknown-key 1:25 jobs.a.pod.spec.restartPolicy"),
        ("pod: {spec: {hostNetwork: 'yes'}}", "wrong-type 1:38 jobs.a.pod.spec.hostNetwork"),
        ("pod: {metadata: {name: x}}", "unknown-key 1:29 jobs.a.pod.metadata.name"),
        (
            "pod: {metadata: {labels: {dagwright/job: x}}}",
            "reserved-label 1:38 jobs.a.pod.metadata.labels.dagwright/job",
        ),
        ("labels: {dagwright/team: x}", "reserved-label 1:21 jobs.a.labels.dagwright/team"),
        ("labels: {dagwright/anything: null}", "reserved-label 1:21 jobs.a.labels.dagwright/anything"),
        ("pod: {metadata: {labels: {run_id: x}}}", "reserved-label 1:38 jobs.a.pod.metadata.labels.run_id"),
        ("pod: {spec: {containers: [{name: x}]}}", "missing-key 1:45 jobs.a.pod.spec.containers[0].name"),
        (
            "pod: {spec: {containers: [{name: base, $patch: delete}]}}",
            "no-base-container 1:45 jobs.a.pod.spec.containers[0].name",
        ),
        (
            "pod: {spec: {containers: [{name: base, workingDir: '{{ ds }}'}]}}",
            "unrendered-template 1:63 jobs.a.pod.spec.containers[0].workingDir",
        ),
        (
            "pod: {spec: {containers: [{name: base, env: [{name: A, value: '{{ dss }}'}]}]}}",
            "undefined-name 1:74 jobs.a.pod.spec.containers[0].env[0].value",
        ),
        (
            "sidecars: [{name: x, image: a}], pod: {spec: {containers: [{name: x, image: b}]}}",
            "container-name-taken 1:78 jobs.a.pod.spec.containers[0].name",
        ),
    ],
)
def test_what_the_cluster_would_reject(text: str, expected: str) -> None:
    assert expected in problems(f"jobs: {{a: {{{text}}}}}")


@pytest.mark.parametrize(
    ("base", "place"),
    [
        ("{name: base, image: null}", "1:58 jobs.a.pod.spec.containers[0].image"),
        ("{name: base, $patch: replace}", "1:38 jobs.a.pod.spec.containers[0].image"),
    ],
)
def test_the_jobs_container_keeps_an_image(base: str, place: str) -> None:
    assert problems(f"jobs: {{a: {{pod: {{spec: {{containers: [{base}]}}}}}}}}") == [f"missing-key {place}"]
    other = "{name: base, $patch: replace, image: 'b:1'}"
    assert job_containers(job(f"jobs: {{a: {{pod: {{spec: {{containers: [{other}]}}}}}}}}"))[0].image == "b:1"


WHOLE = "topologyKey: zone, maxSkew: 1, whenUnsatisfiable: DoNotSchedule"


@pytest.mark.parametrize(
    ("constraints", "missing"),
    [
        ("{topologyKey: zone, $patch: replace}", "maxSkew"),
        ("{topologyKey: zone, maxSkew: 1, $patch: replace}", "whenUnsatisfiable"),
        (f"{{{WHOLE}, $patch: replace}}", ""),
        (f"{{{WHOLE}}}, {{topologyKey: zone, $patch: replace}}", "maxSkew"),
        (f"{{{WHOLE}}}, {{topologyKey: zone, maxSkew: 2}}", ""),
        ("{topologyKey: zone, $patch: delete}", ""),
    ],
)
def test_a_merged_constraint_is_complete(constraints: str, missing: str) -> None:
    found = Written(f"jobs: {{a: {{pod: {{spec: {{topologySpreadConstraints: [{constraints}]}}}}}}}}")
    reported = ["missing-key 1:53 jobs.a.pod.spec.topologySpreadConstraints[0]"] if missing else []
    assert found.problems() == reported
    assert (f"has no `{missing}`" in found.said()) == bool(missing)


def test_reserved_labels_are_rejected_in_every_place() -> None:
    head = "version: 1\ndefaults: {docker_image: i, resource_flavor: small, labels: {dagwright/team: x}}\n"
    assert problems("jobs: {a: {}}", head=head) == ["reserved-label 0:62 defaults.labels.dagwright/team"]
    files = {
        "platform/presets.yaml": "version: 1\npresets: {p: {labels: {dagwright/cost: x}}}\n",
        "platform/templates/jobs/t/v1.yaml.j2": "version: 1\n---\nlabels: {dagwright/job: x}\n",
    }
    found = Written("jobs: {a: {presets: [p]}, b: {uses: t@v1}}", files=files)
    assert found.problems() == [
        "broken-preset 1:22 jobs.a.presets[0]",
        "reserved-label 1:31 jobs.b.uses",
        "reserved-label presets.yaml:2:24 presets.p.labels.dagwright/cost",
    ]
    assert "labels that begin with `dagwright/` are reserved for this project" in found.said()
    assert job("jobs: {a: {labels: {dagwright: x, dagwright.example/team: x}}}").labels
    assert job("jobs: {a: {annotations: {dagwright/team: x}, node_selector: {dagwright/pool: x}}}").node_selector


def test_hints_name_the_right_key() -> None:
    assert "`pod: {spec: {hostNetwork: ...}}`" in said("jobs: {a: {pod: {hostNetwork: true}}}")
    assert "`retries` sets how often" in said("jobs: {a: {pod: {spec: {restartPolicy: Always}}}}")
    assert "cluster.xcom_sidecar" in said("jobs: {a: {sidecars: [{name: airflow-xcom-sidecar, image: a}]}}")
    assert "did you mean `data`?" in said(
        "jobs: {a: {volumes: [{mount_path: /d, empty_dir: {}, name: data}],"
        " sidecars: [{name: x, image: a, volumeMounts: [{name: dat, mountPath: /d}]}]}}"
    )


def test_an_overlay_changes_the_container_of_that_name() -> None:
    found = job(
        "jobs: {a: {sidecars: [{name: x, image: a}], pod: {spec: {initContainers: [{name: x, image: b}],"
        " volumes: [{name: extra, emptyDir: {}}],"
        " containers: [{name: base, volumeMounts: [{name: extra, mountPath: /e}]}]}}}}"
    )
    assert [(one.name, one.kind, one.image) for one in job_containers(found)][1:] == [("x", "sidecar", "b")]


def test_ceilings_count_sidecars() -> None:
    assert not Written(f"jobs: {{a: {{sidecars: [{SIDECAR}]}}}}", environments=CEILING).problems()
    two = f"jobs: {{a: {{sidecars: [{SIDECAR}, {SIDECAR.replace('proxy', 'second')}]}}}}"
    written = Written(two, environments=CEILING)
    assert written.problems() == ["over-ceiling 0:50 defaults.resource_flavor"]
    assert "with the job's other containers" in written.said()
    assert "memory 3Gi (at most 2Gi)" in written.said()


def test_init_containers_do_not_run_at_the_same_time_as_the_job() -> None:
    def init(memory: str) -> Written:
        container = f"{{name: x, image: a, resources: {{limits: {{cpu: 1, memory: {memory}}}}}}}"
        return Written(f"jobs: {{a: {{init_containers: [{container}]}}}}", environments=CEILING)

    assert not init("2Gi").problems()
    assert init("3Gi").problems() == ["over-ceiling 0:50 defaults.resource_flavor"]


def test_ceilings_count_the_resources_of_an_overlay() -> None:
    text = "jobs: {a: {pod: {spec: {containers: [{name: base, resources: {limits: {memory: 3Gi}}}]}}}}"
    assert Written(text, environments=CEILING).problems() == [
        "over-ceiling 1:80 jobs.a.pod.spec.containers[0].resources.limits.memory"
    ]


def test_overlays_of_all_layers_are_merged() -> None:
    head = (
        "version: 1\ndefaults: {docker_image: i, resource_flavor: small,"
        " pod: {spec: {hostNetwork: true, priority: 5, containers: [{name: base, tty: true}]}}}\n"
    )
    found = job("jobs: {a: {pod: {spec: {priority: null, containers: [{name: base, stdin: true}]}}}}", head=head)
    assert found.pod == {
        "spec": {"hostNetwork": True, "priority": None, "containers": [{"name": "base", "tty": True, "stdin": True}]}
    }
    assert job("jobs: {a: {pod: null}}", head=head).pod is None


def test_labels_of_an_overlay_are_the_text_of_the_file() -> None:
    found = job("jobs: {a: {pod: {metadata: {labels: {release: 1.0, gone: null}}}}}")
    assert found.pod == {"metadata": {"labels": {"release": "1.0", "gone": None}}}


def test_the_resolved_configuration_shows_them() -> None:
    text = built(f"jobs: {{a: {{sidecars: [{SIDECAR}], pod: {{spec: {{hostNetwork: null}}}}}}}}").resolved
    assert "name: proxy" in text
    assert "hostNetwork: null" in text


@pytest.mark.parametrize("key", ["init_containers", "sidecars"])
def test_templates_in_other_containers(key: str) -> None:
    container = (
        "{name: x, image: a, command: [mkdir, '/d/{{ run_id }}'], args: ['{{ params.p }}'],"
        " env: [{name: A, value: '{{ ds }}'}], volumeMounts: [{name: d, mountPath: /d, subPath: '{{ ds }}'}]}"
    )
    more = "volumes: [{mount_path: /d, empty_dir: {}, name: d}]"
    overlay = f"pod: {{spec: {{initContainers: [{container.replace('name: x', 'name: y')}]}}}}"
    assert problems(f"params: {{p: a}}\njobs: {{a: {{{key}: [{container}], {more}, {overlay}}}}}") == []
