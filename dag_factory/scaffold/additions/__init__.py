"""What `dagf new` adds to a project: new files, and entries of tables."""
