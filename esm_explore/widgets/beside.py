"""A widget beside the notebook, where it stays while cells are scrolled."""

from __future__ import annotations

from ipywidgets import Widget

from esm_explore.errors import EsmExploreError

# What is shown beside the notebooks of this kernel, by its title.
_shown: dict[str, Widget] = {}


def show_beside(widget: Widget, title: str) -> None:
    """Show a widget in a tab at the right of the notebook.

    Parameters
    ----------
    widget : Widget
    title : str
        Of the tab. What was shown with the same title is replaced.

    Raises
    ------
    EsmExploreError
        If the ``sidecar`` package is not installed.
    """
    try:
        from sidecar import Sidecar
    except ImportError as error:
        raise EsmExploreError(
            "Nothing can be shown beside the notebook without the package sidecar: "
            "pip install 'esm_explore[lab]' and open JupyterLab again, or leave beside=True out."
        ) from error
    if title in _shown:
        _shown.pop(title).close()
    view = {"version_major": 2, "version_minor": 0, "model_id": widget.model_id}
    data = {"application/vnd.jupyter.widget-view+json": view, "text/plain": repr(widget)}
    # It opens as soon as it is made. What a widget leaves in a notebook has no place in it.
    tab = Sidecar(title=title, anchor="split-right")
    tab.outputs = ({"output_type": "display_data", "data": data, "metadata": {}},)
    _shown[title] = tab
