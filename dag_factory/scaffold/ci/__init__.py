"""The workflow files of `dagf new ci`."""
