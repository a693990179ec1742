"""Give templates Airflow's context as data, without any live object.

Each name that templates may use (``config.expressions.run_time_names``) is looked up here when a template uses it.
"""

from __future__ import annotations

import datetime
import enum
from collections.abc import Callable, Iterable, Mapping, Set
from functools import lru_cache
from types import ModuleType
from typing import Any, Protocol
from uuid import UUID

import lazy_object_proxy
import pendulum
from airflow.sdk import Asset, AssetAlias
from airflow.sdk.definitions.param import ParamsDict
from jinja2.utils import missing

from dag_factory.build.worker.templates.item import GroupItems
from dag_factory.config.expressions import run_time_names as names
from dag_factory.config.expressions.run_time_text import short
from dag_factory.config.expressions.run_time_values import AssetName, Function, Handle, NotAllowed

_EVENT = ("extra partition_key source_dag_id source_map_index source_run_id source_task_id timestamp").split()


class OutputReader(Protocol):
    """The function ``output`` of a DAG."""

    @property
    def items(self) -> GroupItems:
        """Return the object that finds the item of a task instance."""

    def __call__(self, context: Mapping[str, Any], job: str, *, default: Any = ...) -> Any:
        """Return the output of a job."""


def lookup(output: OutputReader, allow: Set[str], context: Mapping[str, Any], name: str) -> Any:
    """Return the value of a name in a template: data, a ``Handle``, a ``Function``, or Jinja's ``missing``.

    ``output`` takes the context as its first argument and finds the item of a task instance. ``allow`` has the names
    that the environment adds.
    """
    if name in allow:
        return context.get(name, missing)
    if name == "output":
        return Function(name, lambda *args, **kwargs: to_data(output(context, *args, **kwargs)))
    if name == "item":
        return to_data(output.items.item(context)) if output.items.has_item(context) else missing
    if name == "run_date":
        return run_date(context["dag"], context["dag_run"])
    if name in names.OBJECTS:
        return _handle(name, context, allow)
    if name == "macros":
        functions = _with_allowed(allow)
        return Handle("macros", functions.keys(), functions.__getitem__)
    if name == "triggering_asset_events":
        return _events(getattr(context["dag_run"], "consumed_asset_events", ()))
    if name not in names.CONTEXT:
        return missing
    if name in context:
        return to_data(context[name])
    return (
        _WITHOUT_LOGICAL_DATE[name](context["dag_run"].run_after)
        if name in _WITHOUT_LOGICAL_DATE and "dag_run" in context
        else missing
    )


class CachedOutputs:
    """A task instance that fetches each output only once, for all templates of its task."""

    def __init__(self, ti: Any) -> None:
        self.ti = ti
        self._found: dict[str, Any] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self.ti, name)

    def xcom_pull(self, **which: Any) -> Any:
        """Return the XCom, from the cache after the first call."""
        key = repr(sorted(which.items()))
        if key not in self._found:
            self._found[key] = self.ti.xcom_pull(**which)
        return self._found[key]


def run_date(dag: Any, dag_run: Any) -> pendulum.Date:
    """Return the date of a run in the pipeline's timezone, from its logical date or else from ``run_after``."""
    moment = pendulum.instance(dag_run.logical_date or dag_run.run_after)
    date: pendulum.Date = moment.in_timezone(dag.timezone).date()
    return date


def _utc(text: str) -> Callable[[datetime.datetime], str]:
    return lambda moment: moment.astimezone(datetime.timezone.utc).strftime(text)


_WITHOUT_LOGICAL_DATE: dict[str, Callable[[datetime.datetime], str]] = {
    "ds": _utc("%Y-%m-%d"),
    "ds_nodash": _utc("%Y%m%d"),
    "ts": lambda moment: moment.astimezone(datetime.timezone.utc).isoformat(),
    "ts_nodash": _utc("%Y%m%dT%H%M%S"),
    "ts_nodash_with_tz": lambda moment: (
        moment.astimezone(datetime.timezone.utc).isoformat().replace("-", "").replace(":", "")
    ),
}
"""Names that Airflow leaves undefined in a run without a logical date: here they come from ``run_after`` in UTC."""


def _handle(name: str, context: Mapping[str, Any], allow: Set[str]) -> Any:
    name = "ti" if name == "task_instance" else name
    live = context.get(name, missing)
    if live is missing:
        return missing
    allowed = {path.partition(".")[2] for path in allow if path.startswith((f"{name}.", "task_instance."))}

    def read(attribute: str) -> Any:
        value = getattr(live, attribute)
        return value if attribute in allowed else to_data(value)

    return Handle(name, names.OBJECTS[name] | allowed, read)


def to_data(value: Any) -> Any:
    """Convert a value of Airflow to data according to its type. Raises ``NotAllowed`` for all other types."""
    if isinstance(value, lazy_object_proxy.Proxy):
        value = value.__wrapped__
    if isinstance(value, enum.Enum):
        value = value.value
    if value is None or type(value) in (str, int, float, bool):
        return value
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, (int, float, datetime.date, datetime.time, datetime.timedelta)):
        return value
    if isinstance(value, ParamsDict):
        return to_data(value.dump())
    if isinstance(value, dict):
        return {to_data(key): to_data(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_data(item) for item in value]
    if isinstance(value, (set, frozenset)):
        return sorted(to_data(item) for item in value)
    if isinstance(value, (Asset, AssetAlias)):
        name, uri = _name_and_uri(value)
        return {"name": name, "uri": uri}
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, datetime.tzinfo):
        return getattr(value, "name", None) or str(value)
    raise NotAllowed(f"a template cannot use a value of the type `{type(value).__name__}`")


def _name_and_uri(asset: Asset | AssetAlias) -> tuple[str, str]:
    return asset.name, getattr(asset, "uri", asset.name)


def _events(events: Iterable[Any]) -> dict[str, list[dict[str, Any]]]:
    """Return the asset events that started a run, as data, by the name of the asset."""
    found: dict[str, list[dict[str, Any]]] = {}
    for event in events:
        fields = {name: to_data(getattr(event, name, None)) for name in _EVENT}
        asset = {name: to_data(getattr(event.asset, name, None)) for name in ("name", "uri", "extra")}
        found.setdefault(AssetName(asset["name"], asset["uri"]), []).append({**fields, "asset": asset})
    return found


@lru_cache(1)
def _macros() -> dict[str, Function]:
    """Return the functions of ``macros`` that every template may call."""
    from airflow.sdk.execution_time import macros  # a large import that few templates need

    return {
        name: Function(
            f"macros.{name}",
            short(getattr(macros, name)),
            {one: Function(f"macros.{name}.{one}", short(getattr(getattr(macros, name), one))) for one in below},
        )
        for name, below in names.MACROS.items()
    }


def _with_allowed(allow: Set[str]) -> dict[str, Function]:
    """Return the functions of ``macros`` and those that the environment adds, such as ``macros.uuid.uuid4``."""
    from airflow.sdk.execution_time import macros

    found = dict(_macros())
    for path in sorted(path for path in allow if path.startswith("macros.")):
        _, name, *rest = path.split(".")
        value = getattr(macros, name)
        for step in rest:
            value = getattr(value, step)
        if isinstance(value, ModuleType) or not callable(value):
            raise NotAllowed(f"`{path}` is not a function; `templating.allow` accepts only functions of `macros`")
        if rest:
            known = found.get(name, Function(f"macros.{name}", _not_a_function))
            found[name] = Function(known.name, known.function, {**known.below, rest[0]: Function(path, value)})
        else:
            found[name] = Function(path, value)
    return found


def _not_a_function(*_: Any, **__: Any) -> Any:
    raise NotAllowed("a template cannot call a module")
