"""The local cluster: a Kubernetes API on loopback that runs pods as processes of this machine.

It replaces a real cluster in development. ``up(ClusterConfig(state))`` starts one in the background and returns a
handle with its kubeconfig. ``down``, ``status``, ``claim_folder`` and the functions of ``faults_client`` take the
cluster's folder. ``server.serve`` runs a cluster in the calling process.

    server             puts all parts together             api          HTTP in front of the store and the kubelet
    process, docker    the engines that run containers     controllers  the scheduler and the job controller
    kubelet            runs the pods of the node           resources    the rules of each kind of object
    runtime            what an engine has to provide       objects      the store, its journal and events
"""

from . import faults_client
from .client import ClusterError
from .config import ClusterConfig
from .control import Handle, claim_folder, down, is_running, status, up

__all__ = [
    "ClusterConfig",
    "ClusterError",
    "Handle",
    "claim_folder",
    "down",
    "faults_client",
    "is_running",
    "status",
    "up",
]
