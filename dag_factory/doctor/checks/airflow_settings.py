"""The settings of Airflow that dagwright needs, from environment variables and airflow.cfg. Imports no Airflow."""

from __future__ import annotations

import configparser
from collections.abc import Iterator, Mapping
from pathlib import Path

from dag_factory.doctor.finding import Finding, Status


def check_settings(environ: Mapping[str, str], is_installed: bool) -> Iterator[Finding]:
    """Check the settings of this process's Airflow."""
    if not is_installed:
        text = "Airflow is not installed in this Python, so its settings cannot be seen"
        yield _finding("unknown", "Airflow's settings", text, "run `dagf doctor` where Airflow's processes run")
        return
    config = _read(environ)
    wrap = _value(environ, config, "api", "default_wrap")
    if wrap.lower() in ("true", "t", "1"):
        yield _finding("ok", "[api] default_wrap", "long lines of logs are wrapped")
    else:
        yield _finding(
            "warning",
            "[api] default_wrap",
            "not set: the UI cuts the last line of a failed try, which has the reason",
            "set AIRFLOW__API__DEFAULT_WRAP=True for the API server",
        )
    bundles = _value(environ, config, "dag_processor", "dag_bundle_config_list")
    if "GitDagBundle" in bundles and environ.get("DAG_FACTORY_HOME"):
        yield _finding(
            "failed",
            "DAG_FACTORY_HOME",
            "set, although Airflow uses a versioned bundle: runs would not use the files of their own version",
            "remove DAG_FACTORY_HOME; the loader finds the configs/ next to its folder",
        )


def has_secrets_backend(environ: Mapping[str, str]) -> bool:
    """Whether this process's Airflow reads connections from a secrets backend."""
    return bool(_value(environ, _read(environ), "secrets", "backend"))


def _value(environ: Mapping[str, str], config: configparser.ConfigParser, section: str, key: str) -> str:
    variable = environ.get(f"AIRFLOW__{section.upper()}__{key.upper()}")
    return (variable if variable is not None else config.get(section, key, fallback="")).strip()


def _read(environ: Mapping[str, str]) -> configparser.ConfigParser:
    config = configparser.ConfigParser(interpolation=None, strict=False, allow_no_value=True)
    file = Path(environ.get("AIRFLOW_CONFIG") or Path(environ.get("AIRFLOW_HOME") or "~/airflow") / "airflow.cfg")
    try:
        config.read_string(file.expanduser().read_text("utf-8", "replace"))
    except (OSError, RuntimeError, configparser.Error):
        return configparser.ConfigParser(interpolation=None)
    return config


def _finding(status: Status, subject: str, message: str, fix: str = "") -> Finding:
    return Finding(check="airflow-setting", group="airflow", status=status, subject=subject, message=message, fix=fix)
