"""Problem codes: The project."""

from __future__ import annotations

from dag_factory.config.problem_codes.entry import Entry, Section

SECTION = Section(
    "The project",
    (
        Entry(
            "cache-unwritable",
            (
                "Warning: the cache folder cannot be written: the disk is full or read-only, or the folder "
                "belongs to another user. A pipeline that breaks now may keep running an older version, or have "
                "no DAG."
            ),
            "Free disk space, or set `DAG_FACTORY_CACHE` to a folder that Airflow's user can write to.",
        ),
        Entry(
            "no-environment",
            "There is no environment, or there are several and none is selected.",
            "Set `DAG_FACTORY_ENV`, or add a file to `platform/environments/`.",
        ),
        Entry(
            "no-pipelines",
            (
                "Warning: the folder `configs/pipelines/` does not exist, so there are no DAGs. The last good "
                "versions are still stored."
            ),
            "Restore the folder. If the project has no pipelines yet, commit the folder with a file `.gitkeep`.",
        ),
        Entry(
            "no-project",
            "There is no `configs/` folder here or in a parent folder.",
            "Run the command inside a project, or set `--home` or `DAG_FACTORY_HOME`.",
        ),
        Entry(
            "not-compiled-yet",
            (
                "Warning: more files have changed than one pass has time to compile. Existing DAGs keep running "
                "as they are."
            ),
            "Wait for the next passes. Slow files come last: divide them.",
        ),
        Entry(
            "over-budget",
            (
                "The DAGs of a loader are more work than one pass allows. Existing DAGs stay as they are. New "
                "DAGs, and DAGs that have grown, wait; the heaviest wait first. The loader's own row is a "
                "warning; the row of each file that waits is an error."
            ),
            "Use several loaders, or raise `dag_file_processor_timeout` (see [scale](scale.md)).",
        ),
        Entry(
            "slow-loader",
            (
                "Warning: a loader needs more than an eighth of the time that Airflow allows for a file just to "
                "build its DAGs. To serialize them takes about four times as long."
            ),
            "Use several loaders, or raise `dag_file_processor_timeout` (see [scale](scale.md)).",
        ),
    ),
)
