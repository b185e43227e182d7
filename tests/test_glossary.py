"""The glossary: one sentence a term, in the inspector and on its page."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import esm_explore as ex
from esm_explore.glossary import TERMS, explain
from esm_explore.tracing.stages import encoder_stages
from esm_explore.widgets.pair_contents import pair_table
from esm_explore.widgets.panel_tables import node_table

PAGE = Path(__file__).parent.parent / "docs" / "glossary.md"


def test_the_page_says_what_the_inspector_says():
    """Each term once, in alphabetical order, with the same sentence."""
    found = re.findall(r"^\*\*(.+)\*\*  \n(.+)$", PAGE.read_text("utf-8"), re.M)
    assert found == sorted(TERMS.items(), key=lambda term: term[0].lower())


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
