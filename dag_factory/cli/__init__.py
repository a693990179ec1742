"""The ``dagf`` command: one module for each subcommand."""
