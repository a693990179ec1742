"""``params_env``, and the names that an environment allows in templates."""

from __future__ import annotations

import pytest
from written import Written, built, job, problems

PARAMS = "params: {full_refresh: {type: boolean, default: false}, Country: DE}\nparams_env: PARAM_\n"
TEXT = "{{ params.Country if params.Country is string else params.Country | tojson }}"


def test_each_param_is_a_variable_in_upper_case() -> None:
    found = {variable.name: variable.value for variable in job(PARAMS + "jobs: {a: {}}").env}
    assert list(found) == ["PARAM_FULL_REFRESH", "PARAM_COUNTRY"]
    assert found["PARAM_COUNTRY"] == TEXT


def test_every_other_layer_wins() -> None:
    own = job(PARAMS + "jobs: {a: {env: {PARAM_COUNTRY: FR, PARAM_FULL_REFRESH: null}}}").env
    assert [(variable.name, variable.value) for variable in own] == [("PARAM_COUNTRY", "FR")]
    head = "version: 1\ndefaults: {docker_image: image, resource_flavor: small, env: {PARAM_COUNTRY: IT}}\n"
    assert job(PARAMS + "jobs: {a: {}}", head=head).env[1].value == "IT"


def test_an_environment_sets_the_prefix_and_an_overlay_unsets_it() -> None:
    environment = {"dev": "version: 1\ndefaults: {pipeline: {params_env: P_}}\n"}
    [found] = Written("params: {a: 1}\njobs: {a: {}}", environments=environment).built().jobs
    assert [variable.name for variable in found.env] == ["P_A"]
    assert job(PARAMS + "jobs: {a: {}}\nenvironments: {dev: {params_env: null}}").env == ()


def test_without_params_there_are_none() -> None:
    assert job("params_env: P_\njobs: {a: {}}").env == ()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("params: {a: 1, A: 2}\nparams_env: P_\njobs: {j: {}}", "param-name-taken 1:16 params.A"),
        ("params: {a: 1}\nparams_env: 1_\njobs: {j: {}}", "bad-name 2:13 params_env"),
    ],
)
def test_what_cannot_be_a_variable(text: str, expected: str) -> None:
    assert problems(text) == [expected]


def test_the_resolved_configuration_shows_the_variables() -> None:
    text = built(PARAMS + "jobs: {a: {}}").resolved
    assert "params_env: PARAM_" in text
    assert "PARAM_COUNTRY" in text


@pytest.mark.parametrize("word", ["conn", "var"])
def test_templates_that_read_airflow_are_rejected_unless_allowed(word: str) -> None:
    text = f"jobs: {{a: {{env: {{A: '{{{{ {word}.x }}}}'}}}}}}"
    assert problems(text) == ["forbidden-template 1:21 jobs.a.env.A"]
    assert f"templating: {{allow: [{word}]}}" in Written(text).said()
    allowed = {"dev": f"version: 1\ntemplating: {{allow: [{word}]}}\n"}
    assert not Written(text, environments=allowed).problems()
    other = {"dev": f"version: 1\ntemplating: {{allow: [{'var' if word == 'conn' else 'conn'}]}}\n"}
    assert Written(text, environments=other).problems()


def test_only_known_words_can_be_allowed() -> None:
    environment = {"dev": "version: 1\ntemplating: {allow: [secrets]}\n"}
    assert (
        "bad-value dev.yaml:2:22 templating.allow[0]" in Written("jobs: {a: {}}", environments=environment).problems()
    )


def test_the_xcom_sidecar_of_an_environment() -> None:
    text = "version: 1\ncluster: {xcom_sidecar: {image: xcom:1, security_context: {runAsNonRoot: true}}}\n"
    sidecar = Written("jobs: {a: {}}", environments={"dev": text}).built().cluster.xcom_sidecar
    assert sidecar is not None
    assert (sidecar.image, sidecar.security_context, sidecar.resources) == ("xcom:1", {"runAsNonRoot": True}, None)
