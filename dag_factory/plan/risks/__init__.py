"""Risks: what a reviewer of a change must not miss. Each kind has a rule, which compares one thing before and after."""
