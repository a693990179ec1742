"""Which environment is used, why, and whether its files have errors."""

from __future__ import annotations

from collections.abc import Sequence

from dag_factory.config.problems import Problem, errors
from dag_factory.doctor.finding import Finding, Status


def check_choice(option: str | None, variable: str | None, known: Sequence[str]) -> Finding:
    """Say which environment is used, and which setting chose it. An unknown variable is a failure."""
    names = ", ".join(known)
    if option:
        chosen = "all environments" if option == "all" else f"`{option}`"
        message = f"{chosen}, from --env" + (f"; DAG_FACTORY_ENV is `{variable}`" if variable else "")
        return _choice("ok", message)
    if variable and variable not in known:
        return _choice(
            "failed",
            f"DAG_FACTORY_ENV is `{variable}`, but configs/platform/environments/{variable}.yaml does not exist",
            f"set it to one of: {names}",
        )
    if variable:
        return _choice("ok", f"`{variable}`, from DAG_FACTORY_ENV")
    if len(known) == 1:
        return _choice("ok", f"`{known[0]}`, the only file in configs/platform/environments/")
    return _choice(
        "warning",
        f"DAG_FACTORY_ENV is not set, and the project has several environments: {names}. `dagf run` and `dagf up` use "
        "`local`; an Airflow that you install builds no DAG without it",
        "set DAG_FACTORY_ENV in every process of Airflow; to check another environment here, use --env",
    )


def check_files(environment: str, tables: Sequence[Problem], broken: Sequence[str], total: int) -> list[Finding]:
    """Check that the platform files and the pipelines of an environment have no errors."""
    wrong = errors(tuple(tables))
    if wrong:
        first = wrong[0]
        more = f", and {len(wrong) - 1} more" if len(wrong) > 1 else ""
        return [
            _files(environment, "failed", f"{first.location}: {first.message}{more}", "run `dagf check`, and fix them")
        ]
    if broken:
        names = ", ".join(broken[:3]) + (f" and {len(broken) - 3} more" if len(broken) > 3 else "")
        return [
            _files(
                environment,
                "failed",
                f"{len(broken)} of {total} pipelines have errors: {names}; what they need is not checked below",
                f"run `dagf check --env {environment}`, and fix them",
            )
        ]
    if not total:
        return [_files(environment, "warning", "no pipelines", "write one: dagf new pipeline")]
    return [_files(environment, "ok", f"{total} {'pipeline' if total == 1 else 'pipelines'} without errors")]


def _choice(status: Status, message: str, fix: str = "") -> Finding:
    return Finding(check="environment", group="project", status=status, subject="environment", message=message, fix=fix)


def _files(environment: str, status: Status, message: str, fix: str = "") -> Finding:
    return Finding(
        check="files",
        group="project",
        status=status,
        subject="configuration files",
        message=message,
        fix=fix,
        environment=environment,
    )
