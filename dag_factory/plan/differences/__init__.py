"""The differences of two compiled pipelines: whether they have the same effect, and each field that differs."""
