"""The files of a new project, for `dagf init`."""
