"""``${{ }}``, computed when a file is read, and ``{{ }}``, rendered when a task runs."""
