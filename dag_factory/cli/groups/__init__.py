"""The groups of commands of ``dagf``: options and help; the work is in ``cli/commands``."""
