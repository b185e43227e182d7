"""Codes back to places."""
