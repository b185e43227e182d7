"""Other people's formats, and pages that stand alone."""
