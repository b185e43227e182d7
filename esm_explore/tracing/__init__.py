"""One chain through esm's own modules, every stage caught."""
