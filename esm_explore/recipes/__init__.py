"""How the bundled files were made."""
