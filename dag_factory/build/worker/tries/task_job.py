"""The model of a job as an argument of its operator."""

from __future__ import annotations

from dataclasses import dataclass

from dag_factory.config.model import Job


@dataclass(frozen=True, repr=False)
class TaskJob:
    """The job that a task runs: its flavor, its timeout and its retry rule explain a try that failed.

    ``file`` is the file of its pipeline, relative to the project's home.
    """

    model: Job
    file: str = ""

    def __repr__(self) -> str:
        # Airflow stores a mapped task's arguments as text. This text is constant, so that an edit of a platform table
        # creates no new version of the DAG.
        return "TaskJob()"
