"""The codes of problems: what each one means, and how to fix it."""
