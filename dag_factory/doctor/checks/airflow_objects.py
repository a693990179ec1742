"""A running Airflow: whether it answers, has the plugin, and the pools and connections that pipelines name."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any
from urllib.parse import quote

import msgspec

from dag_factory.doctor.airflow_rest import AirflowRest, Answer
from dag_factory.doctor.bounded import run_all
from dag_factory.doctor.finding import Finding, short
from dag_factory.doctor.needs import Need, Needs, finding

_finding = partial(finding, "airflow")
SECONDS = 30
_DEFAULT_POOL = "default_pool"  # Airflow creates it
_TOKEN = "put a token of a user who may read pools, connections and plugins into DAG_FACTORY_AIRFLOW_TOKEN"


class AirflowAccess(msgspec.Struct, frozen=True, kw_only=True):
    """The Airflow of an environment; ``url`` is None if nobody knows, with the reason and the fix.

    ``given`` are connections that its processes get from environment variables. ``has_backend``: it may have others
    in a secrets backend.
    """

    url: str | None = None
    token: str | None = None
    given: frozenset[str] = frozenset()
    has_backend: bool = False
    unknown: str = ""
    fix: str = ""

    def __repr__(self) -> str:  # without the token
        return f"AirflowAccess({self.url!r})"


def check_airflow(
    environment: str, access: AirflowAccess, needs: Needs, pools: Mapping[str, int], environ: Mapping[str, str]
) -> list[Finding]:
    """Check the Airflow of an environment. ``pools`` are those of flavors.yaml, with their slots."""
    if access.url is None:
        return [_finding(environment, "airflow", "unknown", "Airflow", access.unknown, access.fix)]
    api = AirflowRest(access.url, access.token)
    subject = f"Airflow at {access.url}"
    run_all([api.log_in], SECONDS)
    pool_names = [name for name in needs.pools if name != _DEFAULT_POOL]
    given = access.given | {name for name in needs.connections if environ.get(f"AIRFLOW_CONN_{name.upper()}")}
    connections = [name for name in needs.connections if name not in given]
    paths = ["/version", "/plugins?limit=1000"]
    paths += [f"/pools/{quote(name, safe='')}" for name in pool_names]
    paths += [f"/connections/{quote(name, safe='')}" for name in connections]
    version, plugins, *rest = run_all([partial(api.get, path) for path in paths], SECONDS)
    if version is None or version.status != 200 or not isinstance(version.body, dict):
        reason = "no response in time" if version is None else version.reason or f"status {version.status}"
        fix = "start it (on this machine: dagf up), or name another address with --airflow"
        return [_finding(environment, "airflow", "failed", subject, f"does not answer: {reason}", fix)]
    text = f"answers, version {short(version.body.get('version', 'unknown'))}"
    found = [_finding(environment, "airflow", "ok", subject, text), _plugin(environment, subject, plugins)]
    for name, answer in zip(pool_names, rest, strict=False):
        found.append(_pool(environment, name, needs.pools[name], answer, pools))
    for name in sorted(given & set(needs.connections)):
        text = "set by an environment variable"
        found.append(
            _finding(environment, "connection", "ok", f"connection `{name}`", text, uses=needs.connections[name])
        )
    for name, answer in zip(connections, rest[len(pool_names) :], strict=True):
        found.append(_connection(environment, name, needs.connections[name], answer, access.has_backend))
    return found


def _plugin(environment: str, subject: str, answer: Answer | None) -> Finding:
    names = _plugin_names(answer)
    if names is None:
        reason = _why_unknown(answer)
        return _finding(environment, "airflow-plugin", "unknown", "plugin of dagwright", reason, _TOKEN)
    if "dagwright" in names:
        return _finding(environment, "airflow-plugin", "ok", "plugin of dagwright", "loaded by the API server")
    fix = "install dagwright in the image of the API server and the scheduler, and restart them"
    return _finding(environment, "airflow-plugin", "failed", "plugin of dagwright", f"{subject} did not load it", fix)


def _plugin_names(answer: Answer | None) -> set[str] | None:
    body: Any = answer.body if answer is not None and answer.status == 200 else None
    items = body.get("plugins") if isinstance(body, dict) else None
    if not isinstance(items, list):
        return None
    return {str(one.get("name")) for one in items if isinstance(one, dict)}


def _pool(environment: str, name: str, need: Need, answer: Answer | None, pools: Mapping[str, int]) -> Finding:
    subject = f"pool `{name}`"
    if _has(answer, "name", name):
        return _finding(environment, "pool", "ok", subject, "exists", uses=need)
    if answer is not None and answer.status == 404:
        slots = pools.get(name)
        fix = (
            f"start the scheduler with the plugin of dagwright, or run: airflow pools set {name} {slots} dagwright"
            if slots is not None
            else f"add it to `pools` in configs/platform/flavors.yaml, or run: airflow pools set {name} SLOTS TEXT"
        )
        return _finding(environment, "pool", "failed", subject, "does not exist; its jobs never start", fix, need)
    return _finding(environment, "pool", "unknown", subject, _why_unknown(answer), _TOKEN, need)


def _connection(environment: str, name: str, need: Need, answer: Answer | None, has_backend: bool) -> Finding:
    subject = f"connection `{name}`"
    if _has(answer, "connection_id", name):
        return _finding(environment, "connection", "ok", subject, "exists", uses=need)
    if answer is not None and answer.status == 404:
        variable = f"AIRFLOW_CONN_{name.upper()}"
        if has_backend:
            text = "not in Airflow's database; a secrets backend is set, which cannot be seen from here"
            return _finding(environment, "connection", "unknown", subject, text, "look into the secrets backend", need)
        text = f"not in Airflow's database; {variable} of Airflow's own processes cannot be seen from here"
        fix = f"add it in the UI under Admin, Connections, or set {variable} for the workers"
        return _finding(environment, "connection", "warning", subject, text, fix, need)
    return _finding(environment, "connection", "unknown", subject, _why_unknown(answer), _TOKEN, need)


def _has(answer: Answer | None, key: str, name: str) -> bool:
    """Whether Airflow returned the object with this name."""
    found = answer is not None and answer.status == 200 and isinstance(answer.body, dict)
    return bool(found and answer and answer.body.get(key) == name)


def _why_unknown(answer: Answer | None) -> str:
    if answer is None:
        return "Airflow did not answer in time"
    if answer.status in (401, 403):
        return f"Airflow rejects the request ({answer.status})"
    return f"Airflow answers with the status {answer.status}" if answer.status else answer.reason
