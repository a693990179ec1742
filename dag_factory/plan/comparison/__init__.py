"""Both revisions compiled, and what differs between them."""
