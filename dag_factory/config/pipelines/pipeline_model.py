"""The model of a pipeline."""

from __future__ import annotations

from collections.abc import Sequence as SequenceT

from dag_factory.config.ids import DagId
from dag_factory.config.jobs import mapped_groups
from dag_factory.config.jobs.compile_job import CompiledJob
from dag_factory.config.model import Pipeline
from dag_factory.config.pipelines import params
from dag_factory.config.pipelines import schedule as schedules
from dag_factory.config.platform import alerts
from dag_factory.config.platform.tables import Tables
from dag_factory.config.tree import MapNode, Node, Scalar, whole_number
from dag_factory.config.units import seconds

DEFAULT_START_DATE = "2024-01-01"
"""The start date if neither the pipeline nor its environment sets one."""


def make_pipeline(
    dag_id: DagId,
    team: str,
    file: str,
    only: tuple[str, ...],
    header: MapNode,
    compiled: SequenceT[CompiledJob],
    tables: Tables,
) -> Pipeline:
    """The model of a header and jobs without errors; it has no ``resolved`` yet."""
    jobs = tuple(job.job for job in compiled if job.job)
    schedule = schedules.read_schedule(header.get("schedule"), ("schedule",))[0]
    own_alerts = alerts.to_model(header.get("alerts"))
    return Pipeline(
        id=dag_id,
        team=team,
        name=dag_id.split(".")[-1],
        file=file,
        environment=tables.environment,
        templates_allow=tuple(sorted(tables.run_time_names)),
        cluster=tables.cluster,
        jobs=jobs,
        cells=_cells(compiled),
        groups=mapped_groups.read_lists(header.get("groups")),
        description=header.text("description"),
        doc=header.text("doc"),
        owner=header.texts("owner"),
        tags=header.texts("tags"),
        schedule=schedule,
        schedule_off=_schedule_off(header, tables),
        only=only,
        timezone=header.text("timezone") or "UTC",
        start_date=header.text("start_date") or DEFAULT_START_DATE,
        end_date=header.text("end_date"),
        catchup=_flag(header.get("catchup")),
        max_active_runs=whole_number(header.get("max_active_runs")),
        max_active_jobs=whole_number(header.get("max_active_jobs")),
        timeout=seconds(header.text("timeout") or ""),
        deadline=seconds(header.text("deadline") or header.map("deadline").text("after") or ""),
        deadline_by=header.map("deadline").text("by"),
        alerts=own_alerts,
        alerts_enabled=tables.alerts_enabled,
        links=tables.links,
        channels=alerts.used_channels((own_alerts, *(job.alerts for job in jobs)), tables.channels),
        paused=_flag(header.get("paused")),
        depends_on_past=_flag(header.get("depends_on_past")),
        params=tuple(params.make_param(name, node) for name, node in header.map("params").entries.items()),
        pools=tables.pools,
        guards=tables.guards,
    )


def _cells(compiled: SequenceT[CompiledJob]) -> dict[str, tuple[str, ...]]:
    """The tasks of each job with a matrix, by the job's name."""
    found: dict[str, tuple[str, ...]] = {}
    for one in compiled:
        if one.job and one.job.matrix:
            found[one.source_name] = (*found.get(one.source_name, ()), one.name)
    return found


def _schedule_off(header: MapNode, tables: Tables) -> str | None:
    """The file whose ``schedules: manual`` disables the schedule of the pipeline, if it has one."""
    schedule, mode = header.get("schedule"), tables.schedules
    is_off = mode and mode.value == "manual" and isinstance(schedule, Scalar) and schedule.position == mode.position
    return mode.position.file if mode and is_off else None


def _flag(node: Node | None) -> bool:
    return isinstance(node, Scalar) and node.value is True
