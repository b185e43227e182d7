"""Many chains, less arithmetic, the same tokens."""
