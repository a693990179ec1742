"""The local cluster: a Kubernetes API on loopback whose pods are processes of this machine.

A stand-in for development. ``up(ClusterConfig(state))`` runs one in the background and returns a handle with its
kubeconfig; ``down``, ``status``, ``claim_folder`` and the functions of ``faults_client`` take its folder.
``server.serve`` runs one in the calling process.

    api      HTTP in front of the store          kubelet  pods' lives            scheduler  which pods get the node
    store    objects and watches                 engine   what runs a container  process    … as processes
"""

from . import faults_client
from .client import ClusterError
from .config import ClusterConfig
from .control import Handle, claim_folder, down, status, up

__all__ = ["ClusterConfig", "ClusterError", "Handle", "claim_folder", "down", "faults_client", "status", "up"]
