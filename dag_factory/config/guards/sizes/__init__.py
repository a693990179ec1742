"""The sizes of a pod: what its containers request, and the limits for that."""
