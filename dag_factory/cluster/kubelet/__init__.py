"""The kubelet: runs the pods of the node on an engine, with their volumes, probes, hooks, logs and statuses."""
