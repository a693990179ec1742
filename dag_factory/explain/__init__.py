"""Where a value comes from: every layer that set it, and what changed it on the way to the pod."""
