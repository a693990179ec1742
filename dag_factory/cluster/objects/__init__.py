"""The objects of the cluster: the store, its journal, events, and the formats of their values."""
