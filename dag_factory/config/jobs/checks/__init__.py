"""Checks of one job: of its resolved values, of its containers, and of the pod that they make."""
