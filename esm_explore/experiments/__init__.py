"""Comparisons, one verb a file."""
