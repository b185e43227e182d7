"""esm's structure encoder: who it is, where it comes from, and what it may be given."""
