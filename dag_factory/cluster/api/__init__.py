"""The Kubernetes API: HTTP and JSON in front of the store and the kubelet."""
