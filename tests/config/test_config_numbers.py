"""A whole number is one however it is written, and comes out as one: Kubernetes takes no ``1000.0`` for a user."""

from __future__ import annotations

import msgspec
import pytest
from written import ENVIRONMENT, FLAVORS, Written

WAYS = ["2", "2.0", "0x2", "0o2", "2e0", "${{ 1 + 1 }}", "${{ 4 / 2 }}"]
PIPELINE = """
max_active_runs: {n}
max_active_jobs: {n}
jobs:
  j:
    retries: {n}
    pool: gpu
    pool_slots: {n}
    priority_weight: {n}
    for_each: {{list: [a], as: A, max_parallel: {n}}}
    security_context: {{runAsUser: {n}}}
    pod_security_context: {{fsGroup: {n}}}
    ports: [{n}]
    tolerations: [{{key: a, operator: Exists, effect: NoExecute, tolerationSeconds: {n}}}]
    pod: {{spec: {{terminationGracePeriodSeconds: {n}}}}}
    init_containers: [{{name: i, image: i, securityContext: {{runAsUser: {n}}}}}]
  k: {{retries: {{retries: {n}, on: [{{exit_code: {n}, then: fail}}, {{exit_code: [{n}5], then: fail}}]}}}}
"""


def written(number: str) -> Written:
    """Every place that takes a whole number."""
    pipeline = PIPELINE.replace("{n}5", "65").format(n=number)
    flavors = FLAVORS.replace("gpu: 2", f"gpu: {number}").replace("small: {", f"small: {{gpu: {number}, ")
    sidecar = f"cluster: {{xcom_sidecar: {{security_context: {{runAsUser: {number}}}}}}}\n"
    return Written(pipeline, flavors=flavors, environments={"dev": ENVIRONMENT + sidecar})


@pytest.mark.parametrize("number", WAYS)
def test_all_ways_to_write_a_number_are_one(number: str) -> None:
    if "$" in number:
        number = f'"{number}"'
    made, wanted = (msgspec.structs.replace(written(one).built(), resolved="") for one in (number, "2"))
    assert repr(made) == repr(wanted)
    assert made == wanted
