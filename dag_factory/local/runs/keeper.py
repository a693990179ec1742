"""The process that stops a private Airflow when nobody has used it for some time.

``python -m dag_factory.local.runs.keeper HOME SECONDS``
"""

from __future__ import annotations

import sys
from pathlib import Path

from dag_factory.config.platform.tables import Tables
from dag_factory.local.runs.private_airflow import NAME, PrivateAirflow, wait_until_unused
from dag_factory.local.stack import Stack


def main(home: Path, seconds: float) -> None:
    """Wait, then stop Airflow and the cluster."""
    # Only what stops is needed, so no table of the project is read.
    stack = Stack(home, NAME, Tables(environment="", known_environments=()), private=True)
    airflow = PrivateAirflow(stack)
    wait_until_unused(airflow, seconds)
    airflow.stop_unless_used()


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]))
