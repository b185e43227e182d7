"""What could make a chain's tokens misleading."""
