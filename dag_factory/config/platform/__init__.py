"""The tables of the platform team."""
