"""Problem codes: The project."""

from __future__ import annotations

from dag_factory.config.problem_codes.entry import Entry, Section

SECTION = Section(
    "The project",
    (
        Entry(
            "cache-unwritable",
            (
                "Nothing can be written to the cache folder: the disk is full or read-only, or the folder belongs "
                "to another user. A pipeline that breaks now has no newer version to run on as."
            ),
            "Free the disk, or set `DAG_FACTORY_CACHE` to a folder that Airflow's user may write to.",
        ),
        Entry(
            "no-environment",
            "There is no environment, or several and none is chosen.",
            "Set `DAG_FACTORY_ENV`, or add a file in `platform/environments/`.",
        ),
        Entry(
            "no-pipelines",
            "There is no folder `configs/pipelines/`, so no DAG. What was good is not forgotten.",
            "Move it back; where there is no pipeline yet, commit it with a `.gitkeep`.",
        ),
        Entry(
            "no-project",
            "There is no `configs/` folder here or above.",
            "Run inside a project, or name it with `--home` or `DAG_FACTORY_HOME`.",
        ),
        Entry(
            "not-compiled-yet",
            "More has changed than a pass has time to compile; what had a DAG runs on as it was.",
            "Wait for the next passes. Files that are slow come last: divide them.",
        ),
        Entry(
            "over-budget",
            (
                "All DAGs of a loader together are more work than it may do in one pass. DAGs that were there "
                "before stay as they were; new or larger ones wait, the heaviest first."
            ),
            "Several loaders, or a longer `dag_file_processor_timeout`: [scale](scale.md).",
        ),
        Entry(
            "slow-loader",
            (
                "A loader takes an eighth of the time that Airflow gives a file to build its DAGs, and "
                "serializing takes four times as much."
            ),
            "Several loaders, or a longer bound: [scale](scale.md).",
        ),
    ),
)
