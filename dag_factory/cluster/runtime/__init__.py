"""What the kubelet needs of an engine that runs containers, and the names and folders of images."""
