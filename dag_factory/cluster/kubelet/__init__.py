"""What a node's kubelet does for pods: volumes, environment, containers, states, logs. Any engine runs them."""
