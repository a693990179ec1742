"""What a change to the configuration does: the DAGs, jobs and pods of two revisions, compared."""
