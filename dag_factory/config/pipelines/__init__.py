"""Pipeline files: header, schedule, jobs, and the compiled result."""
