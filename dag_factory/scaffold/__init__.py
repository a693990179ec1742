"""Files that `dagf new` writes into a project."""
