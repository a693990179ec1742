"""A pod's spec and status as data: what an engine runs, and what the API shows."""
