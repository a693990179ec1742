"""How often a pipeline runs, and how many resources its jobs can use at once."""
