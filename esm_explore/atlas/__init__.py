"""Residues of many structures in one Parquet data set."""
