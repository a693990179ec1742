"""What a client may do, and who it is: ``kubectl auth can-i`` and ``kubectl auth whoami``."""

from __future__ import annotations

from typing import Any

import pytest
from kubernetes import client
from live import Live
from test_cluster_kubectl import KUBECTL, kubectl

from dag_factory.cluster.api import protobuf

ACCESS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"


def test_the_python_client_asks_what_it_may_do(live: Live) -> None:
    api = client.AuthorizationV1Api(live.raw)
    wanted = client.V1ResourceAttributes(verb="create", resource="pods", namespace="default")
    review = client.V1SelfSubjectAccessReview(
        spec=client.V1SelfSubjectAccessReviewSpec(resource_attributes=wanted),
    )
    answer = api.create_self_subject_access_review(review)
    assert answer.status.allowed is True
    assert answer.spec.resource_attributes.resource == "pods"
    rules = api.create_self_subject_rules_review(
        client.V1SelfSubjectRulesReview(spec=client.V1SelfSubjectRulesReviewSpec(namespace="default"))
    )
    assert rules.status.resource_rules[0].verbs == ["*"]
    me = client.AuthenticationV1Api(live.raw).create_self_subject_review(client.V1SelfSubjectReview())
    assert "system:masters" in me.status.user_info.groups


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({}, "exactly one of nonResourceAttributes or resourceAttributes must be specified"),
        (
            {"resourceAttributes": {"verb": "get"}, "nonResourceAttributes": {"path": "/"}},
            "cannot be specified in combination with resourceAttributes",
        ),
    ],
)
def test_a_review_that_asks_nothing_or_two_things_is_invalid(live: Live, spec: dict[str, Any], message: str) -> None:
    with pytest.raises(client.ApiException) as caught:
        live.call("POST", ACCESS, {"spec": spec})
    assert caught.value.status == 422
    assert message in caught.value.body.decode()


def test_reviews_cannot_be_listed(live: Live) -> None:
    with pytest.raises(client.ApiException) as caught:
        live.call("GET", ACCESS)
    assert caught.value.status == 405


def test_protobuf_of_older_clients_is_read() -> None:
    attributes = b"\x0a\x07default\x12\x06create\x2a\x04pods"
    spec = b"\x0a" + bytes([len(attributes)]) + attributes
    review = b"\x0a\x00\x12" + bytes([len(spec)]) + spec
    kind = b"\x0a\x17authorization.k8s.io/v1\x12\x17SelfSubjectAccessReview"
    body = b"k8s\0\x0a" + bytes([len(kind)]) + kind + b"\x12" + bytes([len(review)]) + review
    found = protobuf.decode(body)["spec"]["resourceAttributes"]
    assert found == {"namespace": "default", "verb": "create", "resource": "pods"}


@pytest.mark.skipif(KUBECTL is None, reason="kubectl is not installed")
def test_kubectl_auth(live: Live) -> None:
    assert kubectl(live, "auth", "can-i", "create", "pods") == "yes\n"
    assert "*.*" in kubectl(live, "auth", "can-i", "--list")
    assert "dagf-local" in kubectl(live, "auth", "whoami")
