"""Runs of one pipeline on this machine, for `dagf run` and for tests."""
