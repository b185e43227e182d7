"""Bundled structures; see `esm_explore.examples`."""
