"""The process engine: containers as processes of this machine, in namespaces where those are allowed."""
