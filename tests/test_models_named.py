"""Models of one file are told apart by name."""

from __future__ import annotations

import pytest

import esm_explore as ex
from esm_explore.analysis import find_residues
from esm_explore.plots.residue_colors import color_together


def test_models_of_an_nmr_entry_have_names_of_their_own(tmp_path, toy_encoder):
    """Wherever two are shown side by side; a file of one model has no number to say."""
    atoms = ex.read_chain("1UBI").to_pdb_string().splitlines()
    atoms = [line for line in atoms if line.startswith("ATOM")]
    models = [["MODEL        1", *atoms, "ENDMDL"], ["MODEL        2", *atoms, "ENDMDL"]]
    path = tmp_path / "nmr.pdb"
    path.write_text("\n".join([line for model in models for line in model] + ["END", ""]))
    traces = [ex.trace(toy_encoder, ex.read_chain(path, model=model)) for model in (1, 2)]
    titles = [trace.title for trace in traces]
    assert titles == [f"nmr chain A, model {model}, 76 residues" for model in (1, 2)]
    inspector = ex.inspect(traces)
    assert all(title in repr(inspector) for title in titles)
    # On the map, by color, and in what is looked for.
    hovered = inspector._map._hover
    assert [hovered[i].split(" MET")[0] for i in (0, 76)] == ["nmr A model 1", "nmr A model 2"]
    colored = color_together(traces, "chain")
    assert [text for _, text in colored.legend] == ["nmr A model 1", "nmr A model 2"]
    assert set(colored.hexes[0]).isdisjoint(colored.hexes[1])
    assert find_residues(traces, "nmr A model 2:48").chain == 1
    with pytest.raises(ex.TraceError, match="there are: A .nmr A model 1., A .nmr A model 2."):
        find_residues(traces, "B:48")
    assert ex.trace(toy_encoder, ex.read_chain("1UBI")).title == "1UBI chain A, 76 residues"
