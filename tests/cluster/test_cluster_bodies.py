"""Bodies of a wrong shape: each is refused with the words of a real API server, and none fails inside the server."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dag_factory.cluster.objects.store import Store
from dag_factory.cluster.resources import patches
from dag_factory.cluster.resources.decoding import decode, types
from dag_factory.cluster.resources.errors import ApiError
from dag_factory.cluster.resources.kinds import RESOURCES, Resource, Target
from dag_factory.cluster.resources.operations import Objects

WRONG = (None, True, 7, -1, 1.5, 10**30, "", "text", "\ud800", "../..", [], [None], ["x"], [{}], [[]], {}, {"a": None})
CREATED = [resource for resource in RESOURCES if "create" in resource.verbs]


def objects() -> Objects:
    store = Store()
    for name in ("default", "other"):
        store.create("namespaces", {"metadata": {"name": name}, "status": {"phase": "Active"}})
        store.create("serviceaccounts", {"metadata": {"name": "default", "namespace": name}})
    return Objects(store)


def fields(kind: str, above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The path of each field of a type. A type inside itself is entered once."""
    for key, value in types()[kind].items():
        yield (key,)
        inner = value.removeprefix("map[string]").removeprefix("[]")
        if inner in types() and inner not in above:
            step = ("[]",) if value.startswith("[]") else ()
            yield from ((key, *step, *path) for path in fields(inner, (*above, inner)))


def put(body: Any, path: tuple[str, ...], value: Any) -> Any:
    """A copy of the body with the value at this path. Missing objects and lists on the way are added."""
    if not path:
        return value
    if path[0] == "[]":
        first, *rest = body if isinstance(body, list) and body else [{}]
        return [put(first, path[1:], value), *rest]
    found = dict(body) if isinstance(body, dict) else {}
    return found | {path[0]: put(found.get(path[0]), path[1:], value)}


def valid(resource: Resource) -> dict[str, Any]:
    container = {"name": "base", "image": "alpine:3"}
    body: dict[str, Any] = {"metadata": {"name": "fuzzed"}}
    if resource.kind == "Pod":
        body["spec"] = {"containers": [container]}
    if resource.kind == "Job":
        body["spec"] = {"template": {"spec": {"restartPolicy": "Never", "containers": [container]}}}
    return body


@pytest.mark.parametrize("resource", CREATED, ids=lambda resource: resource.kind)
def test_every_field_with_a_wrong_value(resource: Resource) -> None:
    target = Target(resource, "default" if resource.namespaced else None)
    refused = 0
    for path in fields(resource.kind):
        for value in WRONG:
            body = put(valid(resource), path, copy.deepcopy(value))
            try:
                objects().create(target, body, {})
            except ApiError as error:
                refused += 1
                assert error.code in (400, 403, 404, 422), (path, value, error.message)
            except Exception as error:
                raise AssertionError(f"{'.'.join(path)} = {value!r}: {error!r}") from error
    assert refused > len(list(fields(resource.kind)))


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (
            {"env": [{"name": True}]},
            "json: cannot unmarshal bool into Go struct field EnvVar.spec.containers.env.name of type string",
        ),
        (
            {"env": [{"name": "A", "value": 1}]},
            "json: cannot unmarshal number into Go struct field EnvVar.spec.containers.env.value of type string",
        ),
        (
            {"env": "A=1"},
            "json: cannot unmarshal string into Go struct field Container.spec.containers.env of type []v1.EnvVar",
        ),
        (
            {"securityContext": {"runAsUser": 1.5}},
            "json: cannot unmarshal number 1.5 into Go struct field "
            "SecurityContext.spec.containers.securityContext.runAsUser of type int64",
        ),
        (
            {"resources": {"limits": {"cpu": "much"}}},
            "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
        ),
    ],
)
def test_the_words_of_the_decoder(spec: dict[str, Any], message: str) -> None:
    with pytest.raises(ApiError) as caught:
        decode("Pod", {"spec": {"containers": [{"name": "base", **spec}]}})
    assert caught.value.code == 400
    assert caught.value.message == f'Pod in version "v1" cannot be handled as a Pod: {message}'


def test_strict_validation_names_unknown_fields() -> None:
    body = valid(next(each for each in CREATED if each.kind == "Pod"))
    body["spec"]["containers"][0]["comand"] = ["x"]
    target = Target(next(each for each in CREATED if each.kind == "Pod"), "default")
    with pytest.raises(ApiError) as caught:
        objects().create(target, body, {"fieldValidation": "Strict"})
    assert caught.value.message.endswith('strict decoding error: unknown field "spec.containers[0].comand"')
    made = objects().create(target, body, {})
    assert "comand" not in made["spec"]["containers"][0]


def test_null_is_the_same_as_a_missing_field() -> None:
    limits = {"memory": "64Mi", "cpu": 0.25, "nvidia.com/gpu": None}
    container = {"name": "base", "image": None, "resources": {"limits": limits}}
    found = decode("Pod", {"spec": {"volumes": None, "containers": [container]}}).object
    expected = {"memory": "64Mi", "cpu": "250m", "nvidia.com/gpu": "0"}
    assert found["spec"] == {"containers": [{"name": "base", "resources": {"limits": expected}}]}


@pytest.mark.parametrize("kind", patches.TYPES)
@pytest.mark.parametrize("value", WRONG, ids=repr)
def test_patches_of_a_wrong_shape(kind: str, value: Any) -> None:
    before = {"metadata": {"name": "a", "labels": {"a": "b"}}, "spec": {"containers": [{"name": "a"}]}}
    bodies = [value, [value], {"spec": {"containers": value}}, {"spec": {"containers": [value]}}]
    bodies += [[{"op": "add", "path": value, "value": 1}], [{"op": "copy", "from": value, "path": "/x"}]]
    bodies += [{"$setElementOrder/containers": value, "$retainKeys": value, "$patch": value}]
    bodies += [{"spec": {"$deleteFromPrimitiveList/containers": value}}]
    for body in bodies:
        try:
            patches.apply(kind, before, body)
        except ApiError as error:
            assert error.code in (400, 415, 422)


def test_copies_of_a_patch_are_bounded() -> None:
    doubling = [{"op": "copy", "from": "", "path": f"/k{number}"} for number in range(60)]
    with pytest.raises(ApiError) as caught:
        patches.apply("application/json-patch+json", {"data": {"k": "x" * 1000}}, doubling)
    assert caught.value.code == 413


def test_the_types_match_the_installed_client() -> None:
    root = Path(__file__).parents[2]
    code = "import json; from scripts import cluster_types; print(json.dumps(cluster_types.texts()))"
    made = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    folder = root / "dag_factory" / "cluster" / "resources" / "schema"
    written = {file: (folder / file).read_text("utf-8") for file in ("types.json", "descriptions.json")}
    assert json.loads(made.stdout) == written, "run: python scripts/cluster_types.py"


@pytest.mark.parametrize("kind", ["ConfigMap", "Secret"])
def test_the_size_of_config_maps_and_secrets_is_limited(kind: str) -> None:
    target = Target(next(each for each in CREATED if each.kind == kind), "default")
    body = {"metadata": {"name": "large"}, "data": {"key": "eHh4" * 400_000}}
    with pytest.raises(ApiError) as caught:
        objects().create(target, body, {})
    assert caught.value.code == 422
    assert caught.value.message.endswith("Too long: may not be more than 1048576 bytes")
