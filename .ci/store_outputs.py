"""Run notebooks and store their outputs in them, but for pages of HTML that nbval ignores."""

from __future__ import annotations

import sys

import nbformat
from nbclient import NotebookClient

IGNORED = "nbval-ignore-output"


def main(paths: list[str]) -> None:
    """Run each notebook in its own folder, as JupyterLab does."""
    for path in paths:
        notebook = nbformat.read(path, as_version=4)
        NotebookClient(
            notebook, timeout=600, resources={"metadata": {"path": "notebooks"}}
        ).execute()
        for cell in notebook.cells:
            cell.metadata.pop("execution", None)
            if IGNORED in cell.metadata.get("tags", []):
                for output in cell.outputs:
                    output.get("data", {}).pop("text/html", None)
        nbformat.write(notebook, path)


if __name__ == "__main__":
    main(sys.argv[1:])
