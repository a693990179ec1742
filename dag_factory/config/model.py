"""The compiler's result, which the scheduler, the terminal and the browser read.

Everything is resolved: layers are merged, expressions ``${{ }}`` are computed, durations are seconds, and flavors are
merged into their jobs. Templates ``{{ }}`` are unchanged; Airflow renders them when the task runs. Kubernetes fragments
(``tolerations``, ``affinity`` ...) keep the camelCase keys of Kubernetes.

The last good versions of DAGs are stored in this form: fields keep their names, and new fields have a default.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from dag_factory.config.guard_rules import NONE, Guards
from dag_factory.config.ids import DagId
from dag_factory.config.problems import Problem

Fragment = dict[str, Any]
"""A piece of a Kubernetes object in its JSON form."""


class _Frozen(msgspec.Struct, frozen=True, omit_defaults=True):
    pass


class Manual(_Frozen, frozen=True, kw_only=True, tag="manual"):
    """No schedule: the pipeline runs only when a person or another system starts it."""


class Preset(_Frozen, frozen=True, kw_only=True, tag="preset"):
    """One of Airflow's named schedules, such as ``@daily``."""

    name: str


class Cron(_Frozen, frozen=True, kw_only=True, tag="cron"):
    """One or more cron expressions, read in the pipeline's timezone."""

    expressions: tuple[str, ...]


class Every(_Frozen, frozen=True, kw_only=True, tag="every"):
    """A fixed interval, counted from the first run."""

    seconds: int


class Asset(_Frozen, frozen=True, kw_only=True, tag="asset"):
    """Something that jobs read and write, identified by its name; without a URI of its own, the name is the URI."""

    name: str
    uri: str | None = None


class AllOf(_Frozen, frozen=True, kw_only=True, tag="all"):
    """A condition on assets: all of these were updated."""

    of: tuple[AssetRule, ...]


class AnyOf(_Frozen, frozen=True, kw_only=True, tag="any"):
    """A condition on assets: one of these was updated."""

    of: tuple[AssetRule, ...]


AssetRule = Asset | AllOf | AnyOf


class Assets(_Frozen, frozen=True, kw_only=True, tag="assets"):
    """Updates of assets, and the times of ``cron`` in addition, if any."""

    rule: AssetRule
    cron: tuple[str, ...] = ()


Schedule = Manual | Preset | Cron | Every | Assets


class Param(_Frozen, frozen=True, kw_only=True):
    """A parameter of a run: the JSON Schema that Airflow's trigger form shows, and the default, if any."""

    name: str
    schema: dict[str, Any]
    default: Any = None
    required: bool = False
    description: str | None = None


def group_id(path: str) -> str:
    """Airflow's name of the group at a path; it does not allow dots."""
    return path.replace(".", "__")


class KeyRef(_Frozen, frozen=True, kw_only=True):
    """One key of a named secret or config map."""

    name: str
    key: str


class EnvVar(_Frozen, frozen=True, kw_only=True):
    """An environment variable: exactly one of its sources is set."""

    name: str
    value: str | None = None
    secret: KeyRef | None = None
    config_map: KeyRef | None = None
    field: str | None = None


class EnvFrom(_Frozen, frozen=True, kw_only=True):
    """Every key of a secret or a config map as environment variables."""

    kind: Literal["secret", "config_map"]
    name: str
    prefix: str | None = None


class Volume(_Frozen, frozen=True, kw_only=True):
    """A mount and its source; mounts of one source share the volume ``name``."""

    name: str
    mount_path: str
    kind: Literal["pvc", "secret", "config_map", "empty_dir", "host_path"]
    source: str | None = None  # claim, secret, config map or path; none for empty_dir
    medium: str | None = None  # "Memory" for an empty_dir in memory
    size: str | None = None  # of an empty_dir, a quantity
    sub_path: str | None = None
    read_only: bool = False


class ForEach(_Frozen, frozen=True, kw_only=True):
    """One mapped task for each item of a list: of another job's output, of a param, or of ``items``."""

    variable: str = ""  # the environment variable with the item; none if empty
    output: str | None = None  # the job whose output is the list
    path: tuple[str, ...] = ()  # the keys that lead to the list in that output
    param: str | None = None
    items: tuple[Any, ...] | None = None  # numbers that JSON would write differently are text
    label: str | None = None  # a template for the mapped task's name in the grid
    max_parallel: int | None = None
    own_task: bool = False  # a task without a pod makes the list: Airflow maps over whole outputs only


def items_task(name: str) -> str:
    """The id of the task that makes the list for a job or a group; the name of a job has no dot."""
    return f"{name}.items"


class Outcome(_Frozen, frozen=True, kw_only=True):
    """What happens after a pod failed for one of ``reasons``, or with one of ``exit_codes``."""

    reasons: tuple[str, ...] = ()
    exit_codes: tuple[int, ...] = ()
    then: Literal["retry", "fail", "next_flavor"]
    delay: int | None = None  # seconds, before the next try


class Retries(_Frozen, frozen=True, kw_only=True):
    """How often a failed try is repeated; ``delay`` and ``max_delay`` in seconds. ``on``: the first match applies."""

    count: int = 0
    delay: int | None = None
    backoff: Literal["none", "exponential"] = "none"
    max_delay: int | None = None
    rule: str = ""  # the rule of the table that it came from
    on: tuple[Outcome, ...] = ()


class Alerts(_Frozen, frozen=True, kw_only=True):
    """The names of the channels to notify, for each event."""

    on_failure: tuple[str, ...] = ()
    on_success: tuple[str, ...] = ()
    on_retry: tuple[str, ...] = ()
    on_deadline: tuple[str, ...] = ()
    on_recovery: tuple[str, ...] = ()


class Channel(_Frozen, frozen=True, kw_only=True):
    """A way to notify people. ``connection`` is the id of an Airflow connection, which holds the secrets."""

    name: str
    kind: Literal["email", "slack", "webhook", "apprise"]
    to: tuple[str, ...] = ()  # addresses
    connection: str | None = None
    channel: str | None = None  # of Slack
    tag: str | None = None  # of Apprise


class Links(_Frozen, frozen=True, kw_only=True):
    """Templates of URLs.

    ``source`` has ``{path}`` and ``{line}``, ``pod`` has ``{namespace}`` and ``{name}``, ``runbook`` has ``{verdict}``.
    """

    source: str | None = None
    pod: str | None = None
    runbook: str | None = None


class Flavor(_Frozen, frozen=True, kw_only=True):
    """A size of a pod. Quantities are those of Kubernetes (``500m``, ``16Gi``); requests default to the limits."""

    name: str
    requests: dict[str, str] = {}
    limits: dict[str, str] = {}
    gpu_count: int = 0
    gpu_resource: str = "nvidia.com/gpu"
    shm: str | None = None
    pool: str | None = None
    cost_per_hour: float | None = None
    next: str | None = None


class Job(_Frozen, frozen=True, kw_only=True):
    """One task: a pod. Durations in seconds."""

    name: str
    flavor: Flavor
    image: str
    command: tuple[str, ...] | None = None  # a script is its last item, after the shell
    args: tuple[str, ...] | None = None
    working_dir: str | None = None
    ports: tuple[Fragment, ...] = ()
    env: tuple[EnvVar, ...] = ()
    env_from: tuple[EnvFrom, ...] = ()
    volumes: tuple[Volume, ...] = ()
    depends_on: tuple[str, ...] = ()
    trigger_rule: str = "all_success"
    when: str | None = None  # a template, evaluated as true or false when the task first starts
    group: str | None = None  # a path of groups: ``load.sales``
    mapped_group: str | None = None  # the one of these groups that runs for each item of a list
    matrix: dict[str, Any] = {}  # the values of this cell
    for_each: ForEach | None = None
    teardown_of: tuple[str, ...] = ()  # the setup jobs that this job cleans up after
    output: bool = False  # /airflow/xcom/return.json becomes the task's XCom
    retries: Retries = Retries()
    timeout: int | None = None
    startup_timeout: int | None = None
    schedule_timeout: int | None = None
    termination_grace: int | None = None
    keep_pod: Literal["never", "on_failure", "always"] = "never"
    pool: str | None = None
    pool_slots: int = 1
    priority_weight: int | None = None
    service_account: str | None = None
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    node_selector: dict[str, str] = {}
    tolerations: tuple[Fragment, ...] = ()
    affinity: Fragment | None = None
    priority_class: str | None = None
    runtime_class: str | None = None
    image_pull_policy: str | None = None
    image_pull_secrets: tuple[str, ...] = ()
    security_context: Fragment | None = None
    pod_security_context: Fragment | None = None
    host_aliases: tuple[Fragment, ...] = ()
    init_containers: tuple[Fragment, ...] = ()  # sidecars first, each with `restartPolicy: Always`
    pod: Fragment | None = None  # merged over the generated pod, see `strategic_merge`
    deferrable: bool = False
    alerts: Alerts = Alerts()
    inlets: tuple[Asset, ...] = ()
    outlets: tuple[Asset, ...] = ()
    doc: str | None = None
    larger_flavors: tuple[LargerFlavor, ...] = ()  # in order, for tries after out-of-memory; the rule must use them
    largest_because: str = ""  # why the flavor after the last of them cannot be used
    line: int = 0  # of its name in the pipeline's file, or of what creates it; 0 if unknown. Airflow must not store it.


class LargerFlavor(_Frozen, frozen=True, kw_only=True):
    """A flavor for a try after out-of-memory. ``job``: the job with this flavor, if more differs than the flavor."""

    flavor: Flavor
    job: Job | None = None


def with_larger_flavor(job: Job, larger: LargerFlavor) -> Job:
    """The job with a larger flavor, which keeps its chain and its retries."""
    chain = {"larger_flavors": job.larger_flavors, "largest_because": job.largest_because, "retries": job.retries}
    return msgspec.structs.replace(larger.job or job, flavor=larger.flavor, **chain)


class XcomSidecar(_Frozen, frozen=True, kw_only=True):
    """The container that reads a job's output for Airflow; None means Airflow's default."""

    image: str | None = None
    security_context: Fragment | None = None
    resources: Fragment | None = None


class Cluster(_Frozen, frozen=True, kw_only=True):
    """Where an environment's pods run, and how the operator watches them."""

    namespace: str | None = None
    kubernetes_conn_id: str | None = None
    in_cluster: bool | None = None
    startup_check_interval: float = 1.0  # seconds; the operator's own default is 5
    xcom_sidecar: XcomSidecar | None = None
    fail_waiting_after: int = 20  # seconds, for a pod whose wait cannot end by itself


class Pipeline(_Frozen, frozen=True, kw_only=True):
    """One DAG. ``file`` is relative to the project's home, in POSIX form; dates are ISO 8601 text."""

    id: DagId
    team: str
    name: str
    file: str
    environment: str
    cluster: Cluster
    jobs: tuple[Job, ...]
    cells: dict[str, tuple[str, ...]] = {}  # the jobs of each matrix, by its name
    groups: dict[str, ForEach] = {}  # the groups that run for each item of a list, by path
    description: str | None = None
    doc: str | None = None
    owner: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    schedule: Schedule = Manual()
    schedule_off: str | None = None  # the environment's file that turns the schedule off
    only: tuple[str, ...] = ()  # the environments of the pipeline; empty: all
    timezone: str = "UTC"
    start_date: str
    end_date: str | None = None
    catchup: bool = False
    max_active_runs: int | None = None
    max_active_jobs: int | None = None
    timeout: int | None = None
    deadline: int | None = None  # seconds from the moment the run is queued
    alerts: Alerts = Alerts()
    alerts_enabled: bool = True  # in this environment
    channels: tuple[Channel, ...] = ()  # those that the pipeline or a job names
    paused: bool | None = None
    depends_on_past: bool = False
    params: tuple[Param, ...] = ()
    pools: dict[str, int] = {}
    guards: Guards = NONE  # the limits; the worker checks each pod against them, too
    templates_allow: tuple[str, ...] = ()  # additional names that `{{ }}` may use
    current_errors: tuple[Problem, ...] = msgspec.field(default=(), name="held")
    """The errors of the current file, if this is a last good version."""
    stopped: tuple[Problem, ...] = ()  # the current rules that it breaks: it has no schedule, and its tasks fail
    resolved: str = ""  # the whole configuration after all layers, as YAML of the language
    links: Links = Links()
    deadline_by: str | None = None  # a time of day in `timezone`, such as 07:00; then `deadline` is None
