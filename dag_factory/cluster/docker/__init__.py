"""The Docker engine: pods' containers as containers of a Docker engine on this machine."""
