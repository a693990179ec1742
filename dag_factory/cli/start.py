"""The entry point of ``dagf``: Ctrl-C ends it without a traceback, also while its modules are imported."""

from __future__ import annotations

import signal
import sys


def main() -> None:
    """Run the command line of this process."""
    try:
        from dag_factory.cli.main import main

        main()
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
