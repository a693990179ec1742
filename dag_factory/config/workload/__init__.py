"""How often a pipeline runs, and how much its jobs can hold at once."""
