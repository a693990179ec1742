"""The cluster of an environment: whether it answers, what Airflow may do there, and what pipelines name."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from urllib.parse import quote

import msgspec

from dag_factory.doctor.bounded import run_all
from dag_factory.doctor.cluster_access import ClusterAccess
from dag_factory.doctor.finding import Finding, Status
from dag_factory.doctor.kubernetes_api import KubernetesApi, NoCluster, Response
from dag_factory.doctor.needs import Need, Needs, Object, finding

_finding = partial(finding, "cluster")
SECONDS = 45
"""The longest time for all requests to one cluster."""
_CONNECT_SECONDS = 30
_PATHS = {
    "service account": "/api/v1/namespaces/{namespace}/serviceaccounts/",
    "secret": "/api/v1/namespaces/{namespace}/secrets/",
    "config map": "/api/v1/namespaces/{namespace}/configmaps/",
    "volume claim": "/api/v1/namespaces/{namespace}/persistentvolumeclaims/",
    "priority class": "/apis/scheduling.k8s.io/v1/priorityclasses/",
    "runtime class": "/apis/node.k8s.io/v1/runtimeclasses/",
}
_CREATE = {
    "service account": "kubectl create serviceaccount {name} -n {namespace}",
    "secret": "create it: kubectl create secret generic {name} -n {namespace} --from-literal=KEY=VALUE",
    "config map": "create it: kubectl create configmap {name} -n {namespace} --from-literal=KEY=VALUE",
    "volume claim": "create a PersistentVolumeClaim {name} in {namespace}",
    "priority class": "create a PriorityClass {name}, or use another `priority_class`",
    "runtime class": "create a RuntimeClass {name}, or use another `runtime_class`",
}
_REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"


class Permission(msgspec.Struct, frozen=True):
    """What the operator does in a namespace. ``why`` says what fails without it; ``required`` if that is a job."""

    verb: str
    resource: str
    subresource: str = ""
    why: str = "jobs cannot run"
    required: bool = True
    in_namespace: bool = True

    @property
    def text(self) -> str:
        """The verb and the resource, as a role has them."""
        return f"{self.verb} {self.resource}{'/' if self.subresource else ''}{self.subresource}"


PERMISSIONS = (
    *(Permission(verb, "pods") for verb in ("create", "get", "list", "watch", "patch", "delete")),
    Permission("get", "pods", "log", "logs of jobs stay empty", required=False),
    Permission("create", "pods", "exec", "outputs of jobs cannot be read"),
    Permission("get", "pods", "exec", "outputs of jobs cannot be read"),
    Permission("list", "events", "", "nobody learns why a pod waits or failed", required=False),
    Permission("list", "nodes", "", "a pod that is larger than every node waits until its timeout", False, False),
)


def check_cluster(environment: str, access: ClusterAccess, needs: Needs) -> list[Finding]:
    """Check the cluster of an environment. Takes at most 75 seconds, whatever the cluster does."""
    subject = f"cluster ({access.source})"
    fix = "check the configuration and the network: kubectl get pods"
    try:
        (api,) = run_all([partial(KubernetesApi, access)], _CONNECT_SECONDS)
    except NoCluster as failure:
        return [
            _finding(environment, "cluster", "failed", subject, f"the configuration cannot be used: {failure}", fix)
        ]
    if api is None:
        text = f"its login program did not end within {_CONNECT_SECONDS} s"
        return [_finding(environment, "cluster", "failed", subject, text, "log in to the cluster, and try again")]
    (first,) = run_all([partial(api.get, "/version")], SECONDS)
    if first is None or first.status == 0 or first.status >= 500:
        reason = f"no response within {SECONDS} s" if first is None else first.message or f"status {first.status}"
        return [_finding(environment, "cluster", "failed", subject, f"{api.host} does not answer: {reason}", fix)]
    if first.status == 401:
        text = f"{api.host} rejects the credentials"
        return [_finding(environment, "cluster", "failed", subject, text, "renew the credentials, or log in again")]
    reached = _finding(environment, "cluster", "ok", subject, f"{api.host} answers")
    return [reached, *_ask(environment, api, needs)]


def _ask(environment: str, api: KubernetesApi, needs: Needs) -> list[Finding]:
    """All questions at the same time."""
    spaces = list(needs.namespaces)
    wanted = [(one, space) for space in spaces for one in PERMISSIONS if one.in_namespace]
    wanted += [(one, "") for one in PERMISSIONS if not one.in_namespace]
    objects = list(needs.objects.items())
    questions: list[Callable[[], Response]] = [partial(_review, api, *one) for one in wanted]
    questions += [partial(api.get, f"/api/v1/namespaces/{quote(space, safe='')}") for space in spaces]
    questions += [partial(api.get, _path(one)) for one, _ in objects]
    answers = run_all(questions, SECONDS)
    reviews = dict(zip(wanted, answers[: len(wanted)], strict=True))
    rest = answers[len(wanted) :]
    missing = {space for space, answer in zip(spaces, rest, strict=False) if _is_missing(answer, space)}
    found = [_namespace(environment, space) for space in sorted(missing)]
    for space in [*spaces, ""]:
        asked = {one: answer for (one, where), answer in reviews.items() if where == space}
        found += _permissions(environment, space, asked, space in needs.writes_output)
    for (one, need), answer in zip(objects, rest[len(spaces) :], strict=True):
        if one.namespace not in missing:  # one line says it for all of its objects
            found.append(_object(environment, one, need, answer))
    return found


def _review(api: KubernetesApi, permission: Permission, namespace: str) -> Response:
    attributes = {"verb": permission.verb, "resource": permission.resource, "group": ""}
    attributes |= {"namespace": namespace} if namespace else {}
    attributes |= {"subresource": permission.subresource} if permission.subresource else {}
    body = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": attributes},
    }
    return api.post(_REVIEWS, body)


def _permissions(
    environment: str, namespace: str, answers: dict[Permission, Response | None], writes_output: bool
) -> Iterable[Finding]:
    """One line for what is allowed, one for each permission that is missing, one for all that nobody knows."""
    where = f"in the namespace {namespace}" if namespace else "in the cluster"
    subject = f"permissions {where}"
    allowed = [one for one, answer in answers.items() if _allowed(answer) is True]
    unknown = [one for one, answer in answers.items() if _allowed(answer) is None]
    for one, answer in answers.items():
        if _allowed(answer) is False:
            matters = one.required and (one.subresource != "exec" or writes_output)
            yield _finding(
                environment, "permission", "failed" if matters else "warning", subject,
                f"may not {one.text}: {one.why}",
                f"add `{one.verb}` of `{one.text.split(' ', 1)[1]}` to the role of Airflow's workers and triggerer",
            )  # fmt: skip
    if unknown:
        text = f"the cluster does not say whether this user may {_list(one.text for one in unknown)}"
        fix = "ask the owner of the cluster, or run `kubectl auth can-i --list`"
        yield _finding(environment, "permission", "unknown", subject, text, fix)
    if allowed:
        yield _finding(environment, "permission", "ok", subject, f"may {_list(one.text for one in allowed)}")


def _allowed(answer: Response | None) -> bool | None:
    """Whether a review allows it; None if there is no usable answer."""
    if answer is None or answer.status not in (200, 201) or not isinstance(answer.body, dict):
        return None
    status = answer.body.get("status")
    found = status.get("allowed") if isinstance(status, dict) else None
    return found if isinstance(found, bool) else None


def _object(environment: str, one: Object, need: Need, answer: Response | None) -> Finding:
    where = f" in {one.namespace}" if one.namespace else ""
    subject = f"{one.kind} `{one.name}`{where}"
    if _exists(answer, one.name):
        return _finding(environment, "object", "ok", subject, "exists", uses=need)
    if _is_missing(answer, one.name):
        effect = "; pods start without it, because it is optional" if need.optional else ""
        fix = _CREATE[one.kind].format(name=one.name, namespace=one.namespace)
        status: Status = "warning" if need.optional else "failed"
        return _finding(environment, "object", status, subject, f"does not exist{effect}", fix, need)
    if answer is None or answer.status == 0:
        reason, fix = "the cluster did not answer in time", "run the command again"
        return _finding(environment, "object", "unknown", subject, reason, fix, need)
    if answer.status == 404:
        reason, fix = "this cluster does not have this kind of object", "ask the owner of the cluster"
    elif answer.status == 200:
        reason, fix = "the cluster answered something else", "check the address of the cluster in its configuration"
    else:
        reason = f"this user may not look ({answer.status})"
        fix = f"look with another user: kubectl get {one.kind.replace(' ', '')} {one.name}" + (
            f" -n {one.namespace}" if one.namespace else ""
        )
    return _finding(environment, "object", "unknown", subject, reason, fix, need)


def _exists(answer: Response | None, name: str) -> bool:
    """Whether the API returned this object."""
    if answer is None or answer.status != 200 or not isinstance(answer.body, dict):
        return False
    metadata = answer.body.get("metadata")
    return isinstance(metadata, dict) and metadata.get("name") == name


def _is_missing(answer: Response | None, name: str) -> bool:
    """Whether the API says that it has no such object. Any other 404 is about the path."""
    if answer is None or answer.status != 404 or not isinstance(answer.body, dict):
        return False
    details = answer.body.get("details")
    return isinstance(details, dict) and details.get("name") == name


def _namespace(environment: str, namespace: str) -> Finding:
    subject, fix = f"namespace {namespace}", f"kubectl create namespace {namespace}, or correct `cluster.namespace`"
    return _finding(environment, "namespace", "failed", subject, "does not exist; what is in it is not checked", fix)


def _path(one: Object) -> str:
    return _PATHS[one.kind].format(namespace=quote(one.namespace, safe="")) + quote(one.name, safe="")


def _list(texts: Iterable[str]) -> str:
    return ", ".join(texts)
