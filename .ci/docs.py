"""Build the documentation: docs.py OUT [--quick]; --quick leaves the notebooks out.

Sources are laid out in a folder as they are in the checkout, so that links between docs, notebooks
and the files at the top are the same there and on a code host. Warnings are errors.
"""

from __future__ import annotations

import ast
import shutil
import sys
from pathlib import Path

import nbformat
from house_drawing import drawing, floors, imports
from sphinx.cmd.build import main as sphinx

ROOT = Path(__file__).parent.parent
NAMESPACES = {
    "": "Top level",
    "analysis": "ex.analysis: numbers about residues, heads, stages and codes",
    "decoding": "ex.decoding: codes back to places",
    "experiments": "ex.experiments: comparisons, a verb a file",
    "export": "ex.export: other people's formats",
    "plots": "ex.plots: static pictures",
}
BESIDE = ("CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md", "LICENSE")
LINKED = ("benchmarks/README.md", "esm_explore/encoders/mini/MODEL_CARD.md")


def names_in(stub: Path) -> list[tuple[str, str]]:
    """Give the module and the name of each public name of a stub."""
    found = []
    package = ".".join(stub.parent.relative_to(ROOT).parts)
    for node in ast.parse(stub.read_text("utf-8")).body:
        if isinstance(node, ast.ImportFrom) and node.module:
            base = package.rsplit(".", node.level - 1)[0] if node.level else ""
            module = f"{base}.{node.module}" if base else node.module
            found += [(module, alias.name) for alias in node.names]
    return found


def reference() -> str:
    """Write the list of every public name; autosummary makes a page of each."""
    parts = [
        "# Reference\n\nEvery name that a user types, after `import esm_explore as ex`. "
        "Classes of what they give are listed in their docstrings; shapes, units and errors too.\n"
    ]
    for namespace, title in NAMESPACES.items():
        stub = ROOT / "esm_explore" / namespace / "__init__.pyi"
        prefix = "esm_explore." + (f"{namespace}." if namespace else "")
        listed = "\n".join(sorted(f"   {prefix}{name}" for _, name in names_in(stub)))
        parts.append(
            f"## {title}\n\n```{{eval-rst}}\n.. autosummary::\n   :toctree: reference\n"
            f"   :nosignatures:\n\n{listed}\n```\n"
        )
    return "\n".join(parts)


def notebooks_page(names: list[str]) -> str:
    """Write the list of tutorials."""
    text = "# Notebooks\n\nOne question each, as they were run; 3D views are pictures here."
    if not names:
        return f"---\norphan: true\n---\n{text}\n"
    entries = "\n".join(f"../notebooks/{name}" for name in names)
    return f"{text}\n\n```{{toctree}}\n:maxdepth: 1\n\n{entries}\n```\n"


def lay_out(source: Path, quick: bool) -> None:
    """Copy and write what the pages are made from."""
    shutil.rmtree(source, ignore_errors=True)
    shutil.copytree(ROOT / "docs", source / "docs")
    for name in (*BESIDE, *LINKED):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, source / name)
    (source / "docs" / "reference.md").write_text(reference(), "utf-8")
    (source / "docs" / "house.svg").write_text(drawing(floors(), imports()), "utf-8")
    names = []
    (source / "notebooks").mkdir()
    for path in [] if quick else sorted((ROOT / "notebooks").glob("*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        only_pictures(notebook)
        nbformat.write(notebook, source / "notebooks" / path.name)
        names.append(path.stem)
    (source / "docs" / "notebooks.md").write_text(notebooks_page(names), "utf-8")


def only_pictures(notebook: nbformat.NotebookNode) -> None:
    """Of an output that has a picture, keep the picture: nothing else is alive in a page."""
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            if "image/png" in data:
                output["data"] = {
                    kind: data[kind] for kind in ("image/png", "text/plain") if kind in data
                }


def main(out: Path, quick: bool) -> int:
    """Build; give Sphinx's exit status."""
    source = out.parent / "docs_source"
    lay_out(source, quick)
    shutil.rmtree(out, ignore_errors=True)
    flags = ["-W", "--keep-going", "-q", "-E", "-b", "html", "-c", str(ROOT / "docs")]
    status = sphinx([*flags, str(source), str(out)])
    if not status:
        redirect = '<meta http-equiv="refresh" content="0; url=docs/index.html">'
        (out / "index.html").write_text(redirect, "utf-8")
        print(f"{out}/index.html")
    return status


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve(), "--quick" in sys.argv))
