"""What editors and people ask about a project: schemas with its names, and where each value comes from."""
