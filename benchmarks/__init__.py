"""Measurements of this project beside its neighbours, on the same pods: ``make bench``."""
