"""Types for ids, so that a type checker finds swapped arguments. They are plain strings at run time."""

from __future__ import annotations

from typing import NewType

DagId = NewType("DagId", str)
"""The id of a DAG: that of its file, or for an instance ``<file id>.<instance>``."""
FileId = NewType("FileId", str)
"""The id of a pipeline's file: its path below ``pipelines/`` without the ending, with dots: ``growth.churn``."""
JobName = NewType("JobName", str)
"""The name of a job in its file. All cells of a matrix have the same job name."""
TaskId = NewType("TaskId", str)
"""The id of a task in its DAG: the name of the job, or of one cell of its matrix."""
