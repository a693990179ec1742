"""Template files, their inputs, and the pipelines and jobs that use them."""
