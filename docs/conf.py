"""Sphinx's settings; `make docs` (.ci/docs.py) lays the sources out and runs it."""

project = "esm_explore"
author = "The esm_explore contributors"
copyright = "The esm_explore contributors; MIT license"
root_doc = "docs/index"
extensions = [
    "myst_nb",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
]
exclude_patterns = ["docs/conf.py"]
html_theme = "pydata_sphinx_theme"
html_title = "esm_explore"
html_theme_options = {"navbar_align": "left", "show_toc_level": 2, "secondary_sidebar_items": {
    "**": ["page-toc"], "reference/*": []}}  # fmt: skip
# Pages without others below them need no menu at their left.
html_sidebars = {
    f"docs/{page}": [] for page in ("install", "your_protein", "explanation", "glossary", "house")
}
html_show_sourcelink = False
html_copy_source = False

# The notebooks are shown as they were stored: nothing is run.
nb_execution_mode = "off"
nb_mime_priority_overrides = [
    ("html", "image/png", 0),
    ("html", "application/vnd.plotly.v1+json", None),
]
myst_heading_anchors = 4

autosummary_generate = True
autodoc_typehints = "none"
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False
# A notebook's outputs may hold kinds that a page cannot show; their picture is shown.
# What others link to, such as the README, has its page without a place in the menu.
suppress_warnings = ["mystnb.unknown_mime_type", "toc.not_included", "myst.header"]
