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
            "deleted-pipeline",
            (
                "Nothing defines the pipeline any more, but a run of it is not finished. The DAG stays without a "
                "schedule until its runs are finished. Its next jobs fail; jobs that already run continue."
            ),
            "If this is a mistake, restore the file or the instance, or correct `only`.",
        ),
        Entry(
            "no-environment",
            "There is no environment, or there are several and none is selected.",
            "Set `DAG_FACTORY_ENV`, or add a file to `platform/environments/`.",
        ),
        Entry(
            "no-pipelines",
            (
                "The folder `configs/pipelines/` does not exist, so there are no DAGs. It is a warning if the project "
                "never had a pipeline. The stored last good versions are not removed."
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
                "their previous version."
            ),
            "Wait for the next passes. Slow files are compiled last, so split them.",
        ),
        Entry(
            "over-budget",
            (
                "The DAGs of a loader are more work than its limit allows. Existing DAGs keep running their previous "
                "version. New and larger versions are not built; those that add the most work wait first. Import "
                "Errors have an error for each DAG that waits. If existing DAGs alone exceed the limit, there is one "
                "warning for the loader. A loader that has lost its cache does not know which DAGs exist."
            ),
            "Use several loaders, or raise `dag_file_processor_timeout` (see [scale](scale.md)).",
        ),
        Entry(
            "slow-loader",
            (
                "Warning: to build its DAGs, a loader needs more than an eighth of the time that Airflow allows for "
                "a file. Airflow then needs about four times as long to serialize the DAGs."
            ),
            "Use several loaders, or raise `dag_file_processor_timeout` (see [scale](scale.md)).",
        ),
    ),
)
