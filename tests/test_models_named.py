"""Models of one file are told apart by name."""

from __future__ import annotations

import esm_explore as ex


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
    assert all(title in repr(ex.inspect(traces)) for title in titles)
    assert ex.trace(toy_encoder, ex.read_chain("1UBI")).title == "1UBI chain A, 76 residues"
