"""The test kit: compiled pipelines, assertions and snapshots for users' own tests. ``plugin`` is the pytest plugin."""
