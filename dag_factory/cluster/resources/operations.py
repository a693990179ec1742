"""The operations on objects of every resource: create, read, list, replace, patch and delete."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Mapping
from typing import Any

from ..objects import clock
from ..objects.pod_phase import is_finished
from ..objects.store import Conflict, Missing, Object, Store, identity
from . import defaults, errors, patches, pod_validation, validation
from .kinds import Resource, Target
from .query import DeleteOptions, after_token, continue_token, int_param, make_matcher


class Objects:
    """Methods raise ApiError."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def read(self, target: Target) -> Object:
        assert target.name
        return self._typed(target.resource, self._get(target))

    def list(self, target: Target, query: Mapping[str, str]) -> Object:
        resource = target.resource
        found = self.store.all(resource.name, target.namespace)
        match = make_matcher(resource, query)
        chosen = [obj for obj in found if match(obj)]
        meta: dict[str, Any] = {"resourceVersion": str(self.store.version)}
        chosen = after_token(chosen, query.get("continue", ""))
        limit = int_param(query, "limit") or 0
        if limit and len(chosen) > limit:
            meta["continue"] = continue_token(chosen[limit - 1], self.store.version)
            if not (query.get("labelSelector") or query.get("fieldSelector")):
                meta["remainingItemCount"] = len(chosen) - limit
            chosen = chosen[:limit]
        return {"kind": f"{resource.kind}List", "apiVersion": resource.api_version, "metadata": meta, "items": chosen}

    def create(self, target: Target, body: Any, query: Mapping[str, str]) -> Object:
        resource = target.resource
        obj = self._decode(resource, body, query)
        meta = dict(obj["metadata"])
        if resource.namespaced:
            meta["namespace"] = meta.get("namespace") or target.namespace
            if meta["namespace"] != target.namespace:
                raise errors.bad_request(
                    "the namespace of the provided object does not match the namespace sent on the request"
                )
            if not self.store.find("namespaces", "", target.namespace_key):
                raise errors.not_found("namespaces", target.namespace_key)
        if not meta.get("name") and meta.get("generateName"):
            meta["name"] = defaults.generated_name(meta["generateName"])
        for key in ("uid", "resourceVersion", "creationTimestamp", "deletionTimestamp", "selfLink", "managedFields"):
            meta.pop(key, None)
        obj = {k: v for k, v in obj.items() if k not in ("kind", "apiVersion", "status")} | {"metadata": meta}
        validation.check(resource.kind, resource.name, obj)
        if resource.name == "pods":
            self._check_account(obj)
            obj = self._priority(obj)
        obj = defaults.complete(resource.name, obj)
        if query.get("dryRun"):
            if self.store.find(resource.name, meta.get("namespace", ""), meta["name"]):
                raise errors.already_exists(resource.name, meta["name"], resource.group)
            return self._typed(resource, {**obj, "metadata": {**obj["metadata"], **identity(meta)}})
        try:
            created = self.store.create(resource.name, obj)
        except Conflict as error:
            raise errors.already_exists(resource.name, meta["name"], resource.group) from error
        if resource.name == "namespaces":
            account = {"metadata": {"name": "default", "namespace": meta["name"]}}
            self.store.create("serviceaccounts", account)
        return self._typed(resource, created)

    def exists(self, target: Target) -> bool:
        return self.store.find(target.resource.name, target.namespace_key, str(target.name)) is not None

    def apply_new(self, target: Target, body: Any, query: Mapping[str, str]) -> Object:
        """Create the object of a server-side apply. Its name is in the path."""
        meta = body.get("metadata") if isinstance(body, dict) else None
        if not isinstance(meta, dict) or meta.get("name", target.name) != target.name:
            raise errors.bad_request(f"the name of the object does not match the name on the URL ({target.name})")
        return self.create(target, {**body, "metadata": {**meta, "name": target.name}}, query)

    def replace(self, target: Target, body: Any, query: Mapping[str, str]) -> Object:
        obj = self._decode(target.resource, body, query)
        before = self._get(target)
        if obj["metadata"].get("name") != target.name:
            raise errors.bad_request(
                f"the name of the object ({obj['metadata'].get('name', '')}) "
                f"does not match the name on the URL ({target.name})"
            )
        return self._change(target, before, obj, query)

    def patch(self, target: Target, content_type: str, body: Any, query: Mapping[str, str]) -> Object:
        before = self._get(target)
        after = patches.apply(content_type, before, body)
        return self._change(target, before, self._decode(target.resource, after, query), query)

    def delete(self, target: Target, options: DeleteOptions) -> Object:
        """Delete an object. Returns the deleted object for a pod, otherwise a Status, as the API does."""
        resource, before = target.resource, self._get(target)
        self._preconditions(resource, before, options)
        if resource.name == "pods":
            return self._typed(resource, self._delete_pod(before, options))
        if not options.dry_run:
            self.store.delete(resource.name, target.namespace_key, str(target.name))
            if resource.name == "jobs" and options.propagation in ("Background", "Foreground"):
                self._delete_owned(before["metadata"])
            if resource.name == "namespaces":
                self._empty_namespace(str(target.name))
        details = {"name": target.name, **({"group": resource.group} if resource.group else {}), "kind": resource.name}
        details["uid"] = before["metadata"]["uid"]
        return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}

    def delete_collection(self, target: Target, options: DeleteOptions, query: Mapping[str, str]) -> Object:
        answer = self.list(target, {k: v for k, v in query.items() if k != "limit"})
        for obj in answer["items"]:
            meta = obj["metadata"]
            self.delete(Target(target.resource, meta.get("namespace"), meta["name"]), options)
        return answer

    def _decode(self, resource: Resource, body: Any, query: Mapping[str, str]) -> Object:
        """The body without its unknown fields, which are an error if the query asks for strict validation."""
        decoded = validation.check_shape(resource.kind, body)
        if decoded.unknown and query.get("fieldValidation") == "Strict":
            listed = ", ".join(f'unknown field "{path}"' for path in decoded.unknown)
            raise errors.bad_request(
                f'{resource.kind} in version "{resource.version}" cannot be handled as a {resource.kind}: '
                f"strict decoding error: {listed}"
            )
        return decoded.object

    def _get(self, target: Target) -> Object:
        try:
            return self.store.get(target.resource.name, target.namespace_key, str(target.name))
        except Missing as error:
            raise errors.not_found(target.resource.name, str(target.name), target.resource.group) from error

    def _change(self, target: Target, before: Object, after: Object, query: Mapping[str, str]) -> Object:
        resource = target.resource
        immutable = (
            "uid",
            "creationTimestamp",
            "namespace",
            "name",
            "generateName",
            "deletionTimestamp",
            "deletionGracePeriodSeconds",
        )
        meta = {k: v for k, v in after["metadata"].items() if k not in immutable}
        if after["metadata"].get("uid", before["metadata"]["uid"]) != before["metadata"]["uid"]:
            raise errors.conflict(resource.name, str(target.name), errors.MODIFIED)
        meta |= {k: before["metadata"][k] for k in immutable if k in before["metadata"]}
        after = {k: v for k, v in after.items() if k not in ("kind", "apiVersion")}
        if target.subresource == "status":
            after = {
                **before,
                "status": after.get("status", {}),
                "metadata": {**before["metadata"], "resourceVersion": meta.get("resourceVersion")},
            }
        else:
            after = {**after, "metadata": meta}
            if "status" in before:
                after["status"] = before["status"]
            validation.check(resource.kind, resource.name, after)
            if resource.name == "pods":
                pod_validation.check_pod_update(before, after)
            elif resource.name == "secrets":
                after = defaults.complete("secrets", after)
        version = after["metadata"].get("resourceVersion")
        if version and version != before["metadata"]["resourceVersion"]:
            raise errors.conflict(resource.name, str(target.name), errors.MODIFIED)
        after["metadata"]["resourceVersion"] = before["metadata"]["resourceVersion"]
        if query.get("dryRun") or after == before:
            return self._typed(resource, after)
        return self._typed(resource, self.store.update(resource.name, after))

    def _delete_pod(self, pod: Object, options: DeleteOptions) -> Object:
        spec, meta = pod["spec"], pod["metadata"]
        grace = options.grace if options.grace is not None else spec.get("terminationGracePeriodSeconds", 30)
        if not spec.get("nodeName") or is_finished(pod):
            grace = 0
        if "deletionGracePeriodSeconds" in meta:
            if grace >= meta["deletionGracePeriodSeconds"] and grace:
                return pod
            grace = min(grace, meta["deletionGracePeriodSeconds"])
        marked = copy.deepcopy(pod)
        marked["metadata"] |= {
            "deletionGracePeriodSeconds": grace,
            "deletionTimestamp": clock.at(math.ceil(time.time()) + grace),
        }
        marked["metadata"]["generation"] = meta.get("generation", 1) + 1
        if options.dry_run:
            return marked
        if grace == 0:
            gone = self.store.delete("pods", meta["namespace"], meta["name"])
            return {
                **marked,
                "metadata": {**marked["metadata"], "resourceVersion": gone["metadata"]["resourceVersion"]},
            }
        return self.store.update("pods", marked)

    def _delete_owned(self, owner: dict[str, Any]) -> None:
        for pod in self.store.all("pods", owner["namespace"]):
            if any(reference.get("uid") == owner["uid"] for reference in pod["metadata"].get("ownerReferences") or []):
                self._delete_pod(pod, DeleteOptions())

    def _empty_namespace(self, name: str) -> None:
        for resource in (
            "jobs",
            "pods",
            "configmaps",
            "secrets",
            "persistentvolumeclaims",
            "serviceaccounts",
            "events",
        ):
            for obj in self.store.all(resource, name):
                self.store.delete(resource, name, obj["metadata"]["name"])

    def _preconditions(self, resource: Resource, obj: Object, options: DeleteOptions) -> None:
        meta = obj["metadata"]
        for label, expected, actual in (
            ("UID", options.uid, meta["uid"]),
            ("ResourceVersion", options.version, meta["resourceVersion"]),
        ):
            if expected and expected != actual:
                raise errors.conflict(
                    resource.name,
                    meta["name"],
                    f"the {label} in the precondition ({expected}) does not match the {label} in record ({actual}). "
                    "The object might have been deleted and then recreated",
                )

    def _check_account(self, pod: Object) -> None:
        spec, meta = pod["spec"], pod["metadata"]
        name = spec.get("serviceAccountName") or spec.get("serviceAccount") or "default"
        if not self.store.find("serviceaccounts", meta["namespace"], name):
            text = f'error looking up service account {meta["namespace"]}/{name}: serviceaccount "{name}" not found'
            raise errors.forbidden("pods", meta["name"], text)

    def _priority(self, pod: Object) -> Object:
        name = pod["spec"].get("priorityClassName")
        if not name:
            return pod
        known = {"system-node-critical": 2000001000, "system-cluster-critical": 2000000000}
        found = self.store.find("priorityclasses", "", name)
        if found is None and name not in known:
            raise errors.forbidden("pods", pod["metadata"]["name"], f"no PriorityClass with name {name} was found")
        value = found.get("value", 0) if found else known[name]
        return {**pod, "spec": {**pod["spec"], "priority": value}}

    def _typed(self, resource: Resource, obj: Object) -> Object:
        return {"kind": resource.kind, "apiVersion": resource.api_version, **obj}
