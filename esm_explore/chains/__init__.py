"""A source of structures to one of its chains, as esm's `ProteinChain`."""
