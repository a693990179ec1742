"""``dagf up``: start the local cluster and Airflow with its UI; ``dagf down`` stops them."""

from __future__ import annotations

from pathlib import Path

from dag_factory.cli import interrupts, progress, terminal
from dag_factory.cli.errors import CouldNotRun
from dag_factory.cli.stack import open_stack
from dag_factory.local.instance import LocalError


def up(port: int, home: Path | None) -> int:
    """Start what does not run yet, and print where it is."""
    stack = open_stack("up", home)
    interrupts.raise_on_first_signal()
    try:
        with progress.steps() as steps:
            address = stack.start(port, steps.report)
    except LocalError as failure:
        raise CouldNotRun(str(failure)) from failure
    terminal.write(f"Airflow: {address}  (no login; this machine only; ready after {steps.seconds:.0f} s)")
    terminal.write(f"Pods run as processes on this machine, for development only: {stack.cluster_folder}")
    terminal.write(f"kubectl: export KUBECONFIG={stack.cluster_folder / 'kubeconfig'}")
    terminal.write(f"Logs: {stack.instance.logs}  Stop with: make down (or dagf down)")
    return 0
