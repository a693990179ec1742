"""What a project has: the graph of a pipeline, and the flavors with the jobs that use them."""
