"""Run notebooks and store their outputs in them, but for large pictures, which nbval ignores."""

from __future__ import annotations

import json
import sys

import nbformat
from nbclient import NotebookClient

IGNORED = "nbval-ignore-output"
# Without its kernel a widget is an error message; its text form is what can be read and compared.
WIDGET = "application/vnd.jupyter.widget-view+json"
LARGE = 150_000


def main(paths: list[str]) -> None:
    """Run each notebook in its own folder, as JupyterLab does."""
    for path in paths:
        notebook = nbformat.read(path, as_version=4)
        NotebookClient(
            notebook, timeout=600, resources={"metadata": {"path": "notebooks"}}
        ).execute()
        notebook.metadata.pop("widgets", None)
        for cell in notebook.cells:
            cell.metadata.pop("execution", None)
            for output in cell.get("outputs", []):
                output.get("data", {}).pop(WIDGET, None)
            if IGNORED in cell.metadata.get("tags", []):
                for output in cell.outputs:
                    for kind, content in list(output.get("data", {}).items()):
                        if len(json.dumps(content)) > LARGE:
                            del output.data[kind]
        nbformat.write(notebook, path)


if __name__ == "__main__":
    main(sys.argv[1:])
