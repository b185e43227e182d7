"""Run notebooks and store their outputs in them, each figure as a static picture, too."""

from __future__ import annotations

import json
import os
import re
import sys

import nbformat
from figure_pictures import PNG, add_pictures
from nbclient import NotebookClient

IGNORED = "nbval-ignore-output"
# Without its kernel a widget is an error message; its picture and its text form are left.
WIDGET = "application/vnd.jupyter.widget-view+json"
LARGE = 150_000


def main(paths: list[str]) -> None:
    """Run each notebook in its own folder, as JupyterLab does."""
    for path in paths:
        notebook = nbformat.read(path, as_version=4)
        where = {"metadata": {"path": "notebooks"}}
        # What is printed in pieces is one output: a page would break its lines where they meet.
        NotebookClient(notebook, timeout=600, resources=where, coalesce_streams=True).execute()
        add_pictures(notebook)
        notebook.metadata.pop("widgets", None)
        for cell in notebook.cells:
            cell.metadata.pop("execution", None)
            for output in cell.get("outputs", []):
                output.get("data", {}).pop(WIDGET, None)
            if IGNORED in cell.metadata.get("tags", []):
                leave_out_large(cell)
        fold_digests(notebook)
        nbformat.write(notebook, path)


def leave_out_large(cell) -> None:
    """Take from a cell that nbval ignores what is large and has a picture."""
    for output in cell.outputs:
        data = output.get("data", {})
        for kind, content in list(data.items()):
            if kind != PNG and len(json.dumps(content)) > LARGE:
                del data[kind]


def fold_digests(notebook) -> None:
    """Fold what is printed for nbval alone: the text form of what the next cell shows."""
    for cell, following in zip(notebook.cells, notebook.cells[1:], strict=False):
        printed = re.search(r"^print\((\w+)\)\s*\Z", cell.source, re.MULTILINE)
        if printed and following.source.strip() == printed[1]:
            cell.metadata["jupyter"] = {"outputs_hidden": True}
            cell.metadata["collapsed"] = True


if __name__ == "__main__":
    # A bar would stand at 0 % for ever.
    os.environ["TQDM_DISABLE"] = "1"
    main(sys.argv[1:])
