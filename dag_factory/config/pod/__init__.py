"""The pod of one try as Kubernetes JSON, and what can be read from it."""
