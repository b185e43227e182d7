"""The content of a structure file to the atoms of a model, and what the file says of them."""
