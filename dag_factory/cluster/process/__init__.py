"""The process engine: containers are processes of this machine, in namespaces where these are allowed."""
