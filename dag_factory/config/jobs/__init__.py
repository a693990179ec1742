"""Jobs: layers merged, expressions computed, checked, and turned into models."""
