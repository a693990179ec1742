"""Texts of a plan: for a terminal, for a comment in a pull request, and as JSON."""
