"""Numbers about residues, heads, stages and codes."""
