"""Compare this project with similar tools that build the same pods: ``make bench``."""
