"""The glossary: a sentence or two a term, in the inspector and on its page."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from pathlib import Path

import pytest

import esm_explore as ex
from esm_explore.glossary import FURTHER, TERMS, explain
from esm_explore.tracing.stages import encoder_stages
from esm_explore.widgets.pair_contents import pair_table
from esm_explore.widgets.panel_tables import node_table

PAGE = Path(__file__).parent.parent / "docs" / "glossary.md"
DIAGNOSIS = sorted((Path(ex.__file__).parent / "diagnosis").glob("*.py"))
ENTRIES = re.findall(r"^### (.+)\n\n(.+)\n\n\*From:\* (.+)$", PAGE.read_text("utf-8"), re.MULTILINE)
EVERY = TERMS | FURTHER
ESM = (
    *("models.vqvae", "layers.blocks", "layers.codebook", "layers.geom_attention"),
    *("tokenization.structure_tokenizer", "utils.encoding", "utils.structure.affine3d"),
    "utils.structure.protein_chain",
)
EVERYDAY = """
    above after all alone and angles another are atoms being below bond broken but changed changes
    closer computed elsewhere encoded file first given goes has have ignored input jointly
    jump jumps known left
    lengths made missing most nearby nearer neither next nor not numbers occupied one ones only
    other others out places protein put side since stand than that the their there twice used
    was were what with without would
"""


def test_the_page_says_what_the_inspector_says():
    """Each term once, in alphabetical order, with the same sentence."""
    found = [(term, said) for term, said, _ in ENTRIES]
    assert found == sorted(EVERY.items(), key=lambda term: term[0].lower())
    assert not TERMS.keys() & FURTHER.keys()


def test_names_of_esm_are_there():
    """What the page says is esm's can be looked up: each class, method and function exists."""
    modules = [importlib.import_module(f"esm.{name}") for name in ESM]
    named = [name for *_, source in ENTRIES for name in re.findall(r"esm: `([\w.]+)`", source)]
    assert len(named) > 20
    for name in named:
        outer, _, inner = name.partition(".")
        found = [getattr(module, outer) for module in modules if hasattr(module, outer)]
        assert found, name
        # Attributes of instances are in the class's source.
        source = inspect.getsource(found[0])
        assert not inner or re.search(rf"\b{inner}\b", source), name


def test_names_of_this_package_are_there():
    """`ex.`s functions, and attributes of a trace."""
    trace = ex.trace(ex.load_encoder(), ex.read_chain("1EJG"))
    for *_, source in ENTRIES:
        for path in re.findall(r"`(?:ex|trace)\.[\w.]+", source):
            found = {"ex": ex, "trace": trace}[path[1:].partition(".")[0]]
            for name in path.split(".")[1:]:
                found = getattr(found, name)


def test_every_stage_is_explained():
    for stage in encoder_stages(2):
        words = re.sub(r"block \d", "block", stage.title).removesuffix(" output")
        for word in [words] if words in EVERY else words.split():
            assert explain(word), stage.title


def test_every_word_of_the_doctors_findings_is_everyday_or_explained():
    """A finding that speaks of something new needs an entry, or a word in the list here."""
    terms = re.compile(
        r"\b(?:" + "|".join(sorted(map(re.escape, EVERY), key=len, reverse=True)) + r")(?:s|es)?\b",
        re.I,
    )
    titles = [
        title for path in DIAGNOSIS for title in titles_in(ast.parse(path.read_text("utf-8")))
    ]
    assert len(titles) > 20
    left = {
        word for title in titles for word in re.findall(r"[a-z]{3,}", terms.sub(" ", title.lower()))
    }
    assert left <= set(EVERYDAY.split()), left - set(EVERYDAY.split())


def titles_in(tree: ast.AST) -> list[str]:
    """Give the titles of findings: what follows the severity, or is called so."""
    nodes = []
    for node in ast.walk(tree):
        match node:
            case ast.Call(args=args) | ast.Tuple(elts=args):
                after = [i for i, one in enumerate(args) if _is_severity(one)]
                nodes += [args[i + 1] for i in after if i + 1 < len(args)]
                match node:
                    case ast.Tuple(elts=[_, ast.Constant(value=str()) as title, _, _]):
                        nodes.append(title)
            case ast.Assign(targets=[ast.Name(id="title" | "what")], value=value):
                nodes.append(value)
    return ["".join(_texts(node)) for node in nodes if _texts(node)]


def _is_severity(node: ast.AST) -> bool:
    severities = ("error", "warning", "note")
    return any(isinstance(one, ast.Constant) and one.value in severities for one in ast.walk(node))


def _texts(node: ast.AST) -> list[str]:
    return [
        one.value
        for one in ast.walk(node)
        if isinstance(one, ast.Constant) and isinstance(one.value, str)
    ]


@pytest.mark.slow
def test_every_column_of_the_panel_is_explained():
    """Of nodes at each step, and of two residues."""
    trace = ex.trace(ex.load_encoder(), ex.read_chain("1UBI"))
    opened = trace.neighborhood(20)
    tables = [node_table(stage, trace, opened, None) for stage in encoder_stages(2)]
    tables.append(pair_table(ex.experiments.compare_residues(trace, 20, trace, 30)))
    for table in tables:
        assert all(len(column["hint"]) > 20 for column in table.columns)


def test_a_word_that_is_not_there_is_refused():
    assert explain("Codes") == TERMS["code"]
    with pytest.raises(ex.TraceError, match="is not in the glossary; it has: node"):
        explain("quark")
