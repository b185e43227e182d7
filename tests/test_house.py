"""The house holds: imports run down, no circles, esm's names in one file, the card of names."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import esm_explore as ex

PACKAGE = Path(ex.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))
API = Path(__file__).parent / "data" / "api.txt"
FLOORS = [
    "errors",
    "arguments deprecation outputs escaping principal_axes",
    "findings palette glossary array_files text_files",
    "sources",
    "parsing",
    "chains",
    "encoders",
    "tracing tokens decoding",
    "analysis diagnosis",
    "atlas",
    "experiments",
    "plots",
    "widgets",
    "export",
    "cli recipes",
    "__init__",
]
LEVEL = {room: i for i, rooms in enumerate(FLOORS) for room in rooms.split()}
OURS = re.compile(r"^\s*(?:from|import) esm_explore(?:\.| import )(\w+)", re.M)
NAMESPACES = ("analysis", "decoding", "experiments", "export", "plots")
# Names of esm's modules and of what hangs on them, as far as nothing of ours is called alike.
ESMS = {
    *("transformer", "geom_attn", "ffn", "s_norm", "proj", "out_proj", "scaling_factor"),
    *("distance_scale_per_head", "rotation_scale_per_head", "relative_positional_embedding"),
    *("pre_vq_proj", "z_avg", "find_knn_edges", "encode_local_structure", "embeddings_ema"),
}
ESMS_PATHS = re.compile(
    r"(transformer\.blocks|codebook\.(embeddings|N|z_avg)|pre_vq_proj\.|geom_attn|\.ffn\b)"
)


def name_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(path: Path) -> Iterator[str]:
    """Modules of ours that a file imports, also inside functions."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.startswith("esm_explore"))
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("esm_explore"):
            for alias in node.names:
                yield f"{node.module}.{alias.name}"


def test_every_room_has_its_floor_and_says_in_a_line_what_it_is():
    """A room is a file at the top, or a folder, whose `__init__` holds no code of its own."""
    rooms = {path.relative_to(PACKAGE).parts[0].removesuffix(".py") for path in FILES}
    assert rooms <= LEVEL.keys()
    for room in rooms - {"__init__"}:
        assert inspect.getdoc(importlib.import_module(f"esm_explore.{room}")), room


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_run_down(path):
    """A room imports rooms of earlier floors alone; rooms of one floor do not know each other."""
    room = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    for other in OURS.findall(path.read_text()):
        assert other == room or LEVEL[other] < LEVEL[room], (path, other)


def test_no_circle_of_files():
    """Following imports, also those inside functions, never leads back."""
    modules = {name_of(path): path for path in FILES}

    def known(name: str) -> str:
        while name not in modules:
            name = name.rpartition(".")[0]
        return name

    graph = {name: {known(i) for i in imports_of(path)} - {name} for name, path in modules.items()}
    done: set[str] = set()

    def visit(name: str, way: tuple[str, ...]) -> None:
        assert name not in way, " -> ".join((*way[way.index(name) :], name))
        if name not in done:
            for other in graph[name] - {"esm_explore"}:
                visit(other, (*way, name))
            done.add(name)

    for name in graph:
        visit(name, ())


@pytest.mark.parametrize(
    "path",
    [p for p in FILES if p != PACKAGE / "encoders" / "modules.py"],
    ids=lambda path: str(path.relative_to(PACKAGE)),
)
def test_esms_names_are_in_one_file(path):
    """As attributes, and in strings that are no docstrings: `encoders/modules.py` alone."""
    tree = ast.parse(path.read_text())
    docs = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            assert node.attr not in ESMS, f"line {node.lineno}: {node.attr}"
        elif (
            isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs
        ):
            assert not ESMS_PATHS.search(node.value), f"line {node.lineno}: {node.value}"
            assert node.value not in ESMS, f"line {node.lineno}: {node.value}"


# This one still uses it, which is to be mended; no other may.
PROCESS_WIDE = {"encoders/modules"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_file_changes_warnings_for_the_whole_process(path):
    """`catch_warnings` is of all threads: those that read in the meantime lose their warnings."""
    if str(path.relative_to(PACKAGE).with_suffix("")) not in PROCESS_WIDE:
        assert not re.search(r"catch_warnings|simplefilter|filterwarnings", path.read_text())


def test_no_function_is_named_as_a_module_beside_it():
    """`ex.tokenize` must not turn into a module when somebody imports one."""
    for namespace in ("esm_explore", *(f"esm_explore.{name}" for name in NAMESPACES)):
        module = importlib.import_module(namespace)
        beside = {path.stem for path in Path(module.__file__).parent.iterdir()}
        names = {name for name in dir(module) if callable(getattr(module, name))}
        assert not names & beside


def card() -> list[str]:
    """All names a user types, with their signatures."""
    lines = []
    for namespace in ("", *(f".{name}" for name in NAMESPACES)):
        module = importlib.import_module("esm_explore" + namespace)
        for name in dir(module):
            value = getattr(module, name)
            said = "ex" + namespace + "." + name
            if inspect.ismodule(value):
                lines.append(f"{said}: namespace")
            elif inspect.isclass(value) and issubclass(value, Exception):
                lines.append(f"{said}({', '.join(base.__name__ for base in value.__bases__)})")
            else:
                lines.append(said + str(inspect.signature(value)))
    return lines


def test_names_and_signatures_are_those_of_the_card():
    """A change of the public card is a change of tests/data/api.txt, on purpose."""
    assert card() == API.read_text().splitlines()


def test_tab_shows_the_card_and_nothing_else():
    """`dir` lists verbs, namespaces and errors, whatever has been imported since."""
    import esm_explore.widgets.inspector  # noqa: F401

    names = [line.split("(")[0].split(":")[0] for line in card() if line.count(".", 0, 20) >= 1]
    top = [name.removeprefix("ex.") for name in names if name.count(".") == 1]
    assert dir(ex) == sorted(top)
    with pytest.raises(AttributeError, match="tokenize_stream"):
        _ = ex.tokenize_stream


@pytest.mark.slow
def test_importing_the_package_loads_neither_torch_nor_esm():
    """Nor anything else that takes time; what is asked for comes with all it needs."""
    code = (
        "import sys, esm_explore as ex\n"
        "slow = {'torch', 'esm', 'numpy', 'pandas', 'plotly', 'biotite', 'ipywidgets'}\n"
        "print(sorted(slow & sys.modules.keys()), callable(ex.read_chain))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["[]", "True"]
