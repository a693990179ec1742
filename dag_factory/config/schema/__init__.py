"""The JSON Schemas: loading, merging by their annotations, validation, and error messages."""
