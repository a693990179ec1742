"""What is stored between passes: compiled files, last good versions, and records of loaders."""
