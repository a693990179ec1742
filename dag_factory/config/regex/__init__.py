"""Regular expressions that Python could search for exponentially long: found by counting, never by time."""
