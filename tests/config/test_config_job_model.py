"""The model of a job: its command line, environment and volumes keep the text of the file."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from written import Written, job, problems, said

from dag_factory.config.jobs.job_model import escape_script as given_script
from dag_factory.config.model import Cluster, EnvFrom, EnvVar, KeyRef, Retries, Volume
from dag_factory.config.pod.final_pod import final_pod


def env(text: str) -> tuple[EnvVar, ...]:
    return job(f"jobs:\n  j:\n    env:\n      A: {text}\n").env


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1.0", "1.0"), ("010", "010"), ("0x1F", "0x1F"), ("1e3", "1e3"), ("+5", "+5"), ("1_000", "1_000"),
        ("NO", "NO"), ("on", "on"), ("true", "true"), ("False", "False"), ("2026-01-01", "2026-01-01"),
        (".inf", ".inf"), ("12345678901234567890123", "12345678901234567890123"), ("1.10", "1.10"),
        ("'1.0'", "1.0"), ('"null"', "null"), ("'~'", "~"), ('""', ""), ("' padded '", " padded "),
        ('"a\\tb\\n"', "a\tb\n"), ("|\n        a\n        b\n", "a\nb\n"), ("'{\"a\": 1}'", '{"a": 1}'),
        ("'${{ 1.0 }}'", "1.0"), ("'${{ true }}'", "true"), ("'${{ [1] | tojson }}'", "[1]"),
    ],
)  # fmt: skip
def test_a_variable_is_the_text_of_the_file(text: str, value: str) -> None:
    assert env(text) == (EnvVar(name="A", value=value),)


@pytest.mark.parametrize("text", ["null", "~", ""])
def test_null_removes_a_variable(text: str) -> None:
    assert env(text) == ()


def test_a_variable_from_a_secret_config_map_or_field() -> None:
    assert env("{secret: warehouse/url}") == (EnvVar(name="A", secret=KeyRef(name="warehouse", key="url")),)
    assert env("{config_map: settings/a.b}") == (EnvVar(name="A", config_map=KeyRef(name="settings", key="a.b")),)
    assert env("{field: metadata.name}") == (EnvVar(name="A", field="metadata.name"),)
    assert env("\"${{ {'secret': 'a/b'} }}\"") == (EnvVar(name="A", secret=KeyRef(name="a", key="b")),)


def test_all_keys_of_a_secret_or_config_map() -> None:
    assert job("jobs: {j: {env_from: [{secret: a}, {config_map: b, prefix: P_}]}}").env_from == (
        EnvFrom(kind="secret", name="a"),
        EnvFrom(kind="config_map", name="b", prefix="P_"),
    )


def test_arguments_are_the_text_of_the_file() -> None:
    assert job("jobs: {j: {command: [run, 1.0, 010], args: [true, NO, '']}}").command == ("run", "1.0", "010")
    assert job("jobs: {j: {args: [true, NO, '']}}").args == ("true", "NO", "")
    assert job("jobs: {j: {labels: {a: 1.0, b: 010}}}").labels == {"a": "1.0", "b": "010"}


@pytest.mark.parametrize(
    ("script", "given"),
    [
        ("echo $(date) $((1 + 2))", "echo $$(date) $$((1 + 2))"),
        ("kill $$", "kill $$$"),
        ("echo $HOME ${HOME} ${#files[@]}", "echo $HOME ${HOME} ${#files[@]}"),
        ("echo '$'(x)", "echo '$'(x)"),
        ("echo $$$(x)", "echo $$$$$$(x)"),
    ],
)
def test_the_shell_reads_the_text_of_the_file(script: str, given: str) -> None:
    """Kubernetes replaces ``$(NAME)`` and turns ``$$`` into ``$`` in a command, so dollar signs are escaped."""
    assert job(f'jobs: {{j: {{script: "{script}"}}}}').command == ("/bin/sh", "-ec", given)
    assert expanded(given) == script


@given(st.text(st.sampled_from("$(){}#a1 \n"), max_size=30).filter(lambda text: "{{" not in text))
def test_any_script_reaches_the_shell_unchanged(script: str) -> None:
    assert expanded(given_script(script)) == script


def expanded(text: str) -> str:
    """The command that Kubernetes runs if it names no variable of the pod (the algorithm of Kubernetes)."""
    result, position = "", 0
    while position < len(text):
        if text[position] == "$" and position + 1 < len(text):
            following = text[position + 1]
            if following == "$":
                result += "$"
                position += 2
                continue
            if following == "(" and ")" in text[position:]:
                end = text.index(")", position)
                result += text[position : end + 1]
                position = end + 1
                continue
        result += text[position]
        position += 1
    return result


def test_another_shell() -> None:
    found = job("jobs: {j: {script: ls, shell: [bash, -euo, pipefail, -c]}}")
    assert (found.command, found.args) == (("bash", "-euo", "pipefail", "-c", "ls"), None)


def test_durations_and_retries() -> None:
    retries = "{retries: 2, delay: 30s, backoff: exponential, max_delay: 5m}"
    found = job(f"jobs: {{j: {{timeout: 1h, startup_timeout: 2m, retries: {retries}}}}}")
    assert (found.timeout, found.startup_timeout) == (3600, 120)
    assert found.retries == Retries(count=2, delay=30, backoff="exponential", max_delay=300)
    assert job("jobs: {j: {retries: {count: 2, maximum: 1m}}}").retries == Retries(count=2, max_delay=60)


def test_volumes() -> None:
    text = """
        jobs:
          j:
            volumes:
              - {mount_path: /a, pvc: data, sub_path: x}
              - {mount_path: /b, pvc: data, read_only: true}
              - {mount_path: /s, empty_dir: {medium: Memory}, size: 1Gi, name: fast}
    """
    assert job(text).volumes == (
        Volume(name="pvc-data", mount_path="/a", kind="pvc", source="data", sub_path="x"),
        Volume(name="pvc-data", mount_path="/b", kind="pvc", source="data", read_only=True),
        Volume(name="fast", mount_path="/s", kind="empty_dir", medium="Memory", size="1Gi"),
    )


def test_similar_sources_give_different_volume_names() -> None:
    folders = ", ".join(f"{{mount_path: {path}, empty_dir: {{}}}}" for path in ("/a_b", "/a-b", "/A/b"))
    long = f"{{mount_path: /c, config_map: {'x' * 200}}}"
    names = [volume.name for volume in job(f"jobs: {{j: {{volumes: [{folders}, {long}]}}}}").volumes]
    assert len(set(names)) == 4
    assert all(len(name) <= 63 and name == name.lower() and "_" not in name for name in names)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "volumes: [{mount_path: /a, pvc: a}, {mount_path: /a/, pvc: b}]",
            "mount-taken 1:61 jobs.j.volumes[1].mount_path",
        ),
        (
            "output: json, volumes: [{mount_path: /airflow/xcom, pvc: a}]",
            "mount-taken 1:49 jobs.j.volumes[0].mount_path",
        ),
        (
            "volumes: [{mount_path: /a, pvc: a, name: x}, {mount_path: /b, pvc: b, name: x}]",
            "volume-name-taken 1:88 jobs.j.volumes[1].name",
        ),
        (
            "volumes: [{mount_path: /a, pvc: a, name: pvc-b}, {mount_path: /b, pvc: b}]",
            "volume-name-taken 1:61 jobs.j.volumes[1]",
        ),
    ],
)
def test_two_volumes_with_one_path_or_one_name(text: str, expected: str) -> None:
    assert problems(f"jobs: {{j: {{{text}}}}}") == [expected]


def test_the_flavor_sets_shared_memory() -> None:
    flavors = "version: 1\nflavors: {small: {cpu: 1, shm: 1Gi}}\n"
    text = "jobs: {j: {volumes: [{mount_path: /dev/shm, empty_dir: {}}]}}"
    assert problems(text) == []
    assert problems(text, flavors=flavors) == []


@pytest.mark.parametrize("folder", ["/dev/shm", "/dev/shm/"])
def test_a_job_replaces_the_shared_memory_of_its_flavor(folder: str) -> None:
    flavors = "version: 1\nflavors: {small: {cpu: 1, shm: 1Gi}}\n"
    text = f"jobs: {{j: {{volumes: [{{mount_path: {folder}, empty_dir: {{medium: Memory}}, size: 16Gi}}]}}}}"
    (volume,) = final_pod(job(text, flavors=flavors), Cluster())["spec"]["volumes"]
    assert volume["emptyDir"] == {"medium": "Memory", "sizeLimit": "16Gi"}


MODES = [
    ("secret: {secretName: s, defaultMode: 0400}", "secret.defaultMode", "write `0o400` or `256`"),
    (
        "configMap: {name: c, items: [{key: k, path: p, mode: 0755}]}",
        "configMap.items[0].mode",
        "write `0o755` or `493`",
    ),
    ("projected: {sources: [], defaultMode: 0644}", "projected.defaultMode", "write `0o644` or `420`"),
    ("secret: {secretName: s, defaultMode: 644}", "secret.defaultMode", "write `0o644` or `420`"),
    ("secret: {secretName: s, defaultMode: 1000}", "secret.defaultMode", "write a mode from 0 to 0o777 (511)"),
]


@pytest.mark.parametrize(("volume", "place", "hint"), MODES)
@pytest.mark.parametrize("layer", ["job", "preset"])
def test_a_file_mode_that_looks_octal(volume: str, place: str, hint: str, layer: str) -> None:
    pod = f"{{pod: {{spec: {{volumes: [{{name: v, {volume}}}]}}}}}}"
    files = {"platform/presets.yaml": f"version: 1\npresets: {{p: {pod}}}\n"} if layer == "preset" else {}
    own = pod if layer == "job" else "{presets: [p]}"
    (problem,) = Written(f"jobs: {{j: {own}}}", files=files).compiled().problems
    assert (problem.code, problem.hint) == ("octal-mode", hint)
    assert problem.path.endswith(f"pod.spec.volumes[0].{place}")
    assert problem.file.endswith("flow.yaml" if layer == "job" else "presets.yaml")


@pytest.mark.parametrize("mode", ["0o400", "256", "0", "00", "511", "420"])
def test_a_file_mode(mode: str) -> None:
    volume = f"{{name: v, secret: {{secretName: s, defaultMode: {mode}}}}}"
    assert problems(f"jobs: {{j: {{pod: {{spec: {{volumes: [{volume}]}}}}}}}}") == []


@pytest.mark.parametrize("image", ["busybox:1 ", " busybox:1", "busy box:1", "acme/{{ run_id }} :1", "x:1\\n"])
def test_a_space_in_an_image(image: str) -> None:
    assert problems(f'jobs: {{j: {{docker_image: "{image}"}}}}') == ["bad-image 1:26 jobs.j.docker_image"]
    found = problems(f'jobs: {{j: {{init_containers: [{{name: i, image: "{image}"}}]}}}}')
    assert "bad-image 1:47 jobs.j.init_containers[0].image" in found


def test_a_host_path_is_normalized_and_cannot_contain_dots() -> None:
    assert job("jobs: {j: {volumes: [{mount_path: /x, host_path: //mnt/./fast/}]}}").volumes[0].source == "/mnt/fast"
    text = "jobs: {j: {volumes: [{mount_path: /x, host_path: /etc/..}]}}"
    assert problems(text) == ["bad-path 1:50 jobs.j.volumes[0].host_path"]
    assert "`/`" in said(text)
    pod = "jobs: {j: {pod: {spec: {volumes: [{name: v, hostPath: {path: /var/../etc}}]}}}}"
    assert problems(pod) == ["bad-path 1:62 jobs.j.pod.spec.volumes[0].hostPath.path"]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("pod: {spec: {containers: [{name: base, resources: {requests: {memory: 64Gi}}}]}}", "requests.memory"),
        ("pod: {spec: {containers: [{name: base, resources: {limits: {memory: 64Mi}}}]}}", "limits.memory"),
        ("sidecars: [{name: s, image: i, resources: {requests: {cpu: 2}, limits: {cpu: 500m}}}]", "requests.cpu"),
    ],
)
def test_a_container_requests_more_than_its_limit(text: str, place: str) -> None:
    (problem,) = problems(f"jobs: {{j: {{{text}}}}}")
    assert problem.startswith("request-over-limit") and problem.endswith(f"resources.{place}")


def test_a_job_needs_an_image() -> None:
    head = "version: 1\ndefaults: {resource_flavor: small}\n"
    assert problems("jobs: {a: {}, b: {docker_image: x}}", head=head) == ["missing-key 1:8 jobs.a"]
    assert problems("jobs: {a: {docker_image: null}}") == ["missing-key 1:8 jobs.a"]
