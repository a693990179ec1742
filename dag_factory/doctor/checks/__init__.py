"""Checks: functions that look at one thing and return findings."""
