"""Several chains as one input: esm's own tokens, and what changes at interfaces."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
import typer
from conftest import with_positions
from esm.tokenization.structure_tokenizer import StructureTokenizer
from esm.utils.encoding import tokenize_structure
from esm.utils.structure.protein_complex import ProteinComplex

import esm_explore as ex
from esm_explore.analysis.finding import find_residues
from esm_explore.cli.commands import doctor_command
from esm_explore.cli.export import export_command
from esm_explore.plots.still import ACROSS
from esm_explore.widgets.stage_figures import panel_figure


@pytest.fixture(scope="module")
def dimer():
    """2HT0, chains A (96 residues, from 2 on) and B (93), wound around each other."""
    return ex.read_complex("2HT0")


@pytest.fixture(scope="module")
def joint(toy_encoder, dimer):
    return ex.trace(toy_encoder, dimer)


@pytest.fixture(scope="module")
def compared(joint):
    return ex.experiments.compare_joint(joint)


def two(first, second):
    """Give two chains other ids, so that they can be of one complex."""
    chains = (first, second)
    return [
        dataclasses.replace(chain, chain_id=name) for chain, name in zip(chains, "AB", strict=True)
    ]


def moved(chain, by):
    return with_positions(chain, chain.atom37_positions + np.float32(by))


def encode(encoder, chain, numbers):
    """Tokens by esm's `encode`, with some residue numbers."""
    coords, _, _ = chain.to_structure_encoder_inputs()
    with torch.no_grad():
        _, tokens = encoder.encode(coords, residue_index=torch.from_numpy(numbers)[None])
    return tokens[0].numpy()


@pytest.mark.lines
def test_joined_as_esm_joins_and_tokens_are_those_of_tokenize_structure(toy_encoder, dimer):
    """Row for row those that ESM3 gets of a ProteinComplex, the row between chains too."""
    theirs = ProteinComplex.from_chains(dimer.chains)
    for name in ("sequence", "residue_index", "insertion_code", "atom37_mask"):
        np.testing.assert_array_equal(getattr(dimer.joined, name), getattr(theirs, name))
    coords = torch.tensor(theirs.atom37_positions, dtype=torch.float32)
    tokenizer = StructureTokenizer(codebook_size=512)
    with torch.no_grad():
        *_, tokens = tokenize_structure(coords, toy_encoder, tokenizer, theirs.sequence)
    ours = ex.trace(toy_encoder, dimer, numbering="sequential")
    np.testing.assert_array_equal(ours.tokens_with_special(), tokens.numpy())
    assert ours.title == "2HT0 chains A, B, 189 residues"


@pytest.mark.lines
def test_the_files_numbers_jump_between_chains(toy_encoder, dimer, joint):
    """A ends with 97, so B begins with 609; tokens are those that esm gives with these numbers."""
    numbers = dimer.joined.residue_index.copy()
    numbers[97:] += 97 + 512 - 1
    np.testing.assert_array_equal(joint.residue_index, numbers)
    assert joint.labels[95:99] == ["A:97", "|", "B:1", "B:2"]
    tokens = encode(toy_encoder, dimer.joined, numbers)
    np.testing.assert_array_equal(joint.tokens, tokens)
    [lean] = ex.tokenize(toy_encoder, [dimer])
    np.testing.assert_array_equal(lean.tokens, tokens)


def test_alone_and_joint_are_the_tokens_of_chains_and_of_the_complex(
    toy_encoder, dimer, joint, compared
):
    """And where all nodes are of the own chain, both are the same."""
    table = compared.to_frame()
    alone = np.concatenate([ex.trace(toy_encoder, chain).tokens for chain in dimer.chains])
    np.testing.assert_array_equal(table["alone"], alone)
    np.testing.assert_array_equal(table["joint"], joint.tokens[joint.has_frame])
    assert table["changed"].equals(table["alone"] != table["joint"])
    assert not table["changed"][table["foreign"] == 0].any()
    assert table["changed"].any()
    assert f"{table['changed'].sum()} of these have another token" in compared.summary()


def test_edges_that_cross_are_those_of_a_search_by_hand(dimer, compared):
    """Of each residue the 15 nearest CA of both chains; those of the other chain."""
    ca = np.concatenate([chain.atom37_positions[:, 1] for chain in dimer.chains]).astype(float)
    apart = np.linalg.norm(ca[:, None] - ca, axis=-1)
    near = np.argsort(apart, axis=1)[:, 1:16]
    is_b = np.arange(189) >= 96
    foreign = (is_b[near] != is_b[:, None]).sum(1)
    np.testing.assert_array_equal(compared.residues["foreign"], foreign)
    assert len(compared.crossing) == foreign.sum()
    first = compared.crossing.iloc[0]
    row, node = (compared.residues.index.get_loc(first[name]) for name in ("residue", "node"))
    assert first["distance"] == pytest.approx(apart[row, node], abs=1e-3)
    assert (compared.crossing["residue"].str[0] != compared.crossing["node"].str[0]).all()


def test_other_numbers_are_those_of_other_orders_and_of_the_file(
    toy_encoder, dimer, joint, compared
):
    """Reversed: the complex read with B first. Colliding: what esm makes of the file's numbers."""
    table = compared.to_frame()
    other = ex.trace(toy_encoder, ex.read_complex("2HT0", ["B", "A"]))
    places = [other.index_of(label) for label in table.index]
    np.testing.assert_array_equal(table["reversed"], other.tokens[places])
    colliding = encode(toy_encoder, dimer.joined, dimer.joined.residue_index)
    np.testing.assert_array_equal(table["colliding"], colliding[joint.has_frame])
    assert compared.renumbered["colliding"] > 0
    assert compared.seem_near["joint"] == 0 < compared.seem_near["colliding"]


def test_a_chain_cut_in_two_shows_the_artificial_bond(toy_encoder, ubiquitin):
    """Numbered on, the ends of a cut seem two apart along one chain, and tokens are others."""
    cut = ex.read_complex(two(ubiquitin[:38], ubiquitin[38:]))
    found = ex.experiments.compare_joint(ex.trace(toy_encoder, cut))
    assert found.renumbered["consecutive"] > 0
    assert found.seem_near["consecutive"] > found.seem_near["joint"] == 0


@pytest.mark.slow
def test_chains_that_do_not_touch_are_encoded_as_if_alone(toy_encoder, ubiquitin):
    """A chain and its copy 500 Å away: nothing crosses, and a sentence says so."""
    apart = ex.read_complex(two(ubiquitin, moved(ubiquitin, 500)))
    found = ex.experiments.compare_joint(ex.trace(toy_encoder, apart))
    assert found.crossing.empty
    assert not found.residues["changed"].any()
    assert "no neighborhood reaches into another chain" in found.summary()


def test_the_doctor_names_the_residues_that_other_chains_would_change(toy_encoder, compared):
    """Of the second chain, read alone: those whose token is another in the complex."""
    table = compared.to_frame()
    report = ex.doctor("2HT0", toy_encoder, chain_id="B")
    [found] = [each for each in report if "encoded alone" in each.title]
    of_b = table[table["changed"] & (table["chain"] == "B")]
    assert found.residues == tuple(label.removeprefix("B:") for label in of_b.index)


def test_the_doctor_of_a_complex_says_that_and_takes_no_break_for_a_residue(toy_encoder, dimer):
    """What each file's chain has is told with the chain; 189 residues, none without a frame."""
    report = ex.doctor(dimer, toy_encoder)
    assert report.title.startswith("2HT0 chains A, B, 189 residues")
    titles = "\n".join(each.title for each in report)
    assert "chains A, B were encoded as one input: 144 of 189 residues" in titles
    assert "chain B: left out" in titles
    assert "no backbone frame" not in titles


def test_a_saved_trace_knows_its_chains(joint, tmp_path):
    """Labels, parts and title are there again."""
    again = ex.load_trace(joint.save(tmp_path / "joint.safetensors"))
    assert (again.labels, again.parts, again.title) == (joint.labels, joint.parts, joint.title)
    assert joint.to_frame()["chain"].tolist() == ["A"] * 96 + [""] + ["B"] * 93


def test_the_inspector_has_strips_and_lines_of_two_colors(joint):
    """The sequence with a break, edges to the other chain in their color; B:90 is found."""
    shown = ex.inspect(joint)
    shown.select(0, find_residues(joint, "B:90").residues[0])
    [pane] = shown._panes
    assert pane.sequence.letters[96] == "|"
    others = [line for line in pane.structure.lines if len(line) > 3]
    assert {joint.labels[line[1]][0] for line in others} == {"A"}
    assert {line[3] for line in others} == {ACROSS}
    assert len(others) == sum(joint.chain_ids[joint.edges[shown.selected]] == "A")
    opened = joint.neighborhood(shown.selected)
    [bars] = panel_figure(joint.stages[0], joint, opened).data
    foreign = joint.chain_ids[opened.edges] == "A"
    assert ((np.array(bars["marker"]["color"]) == ACROSS) == foreign).all()
    shown.color = "chain"
    said = [text for _, text in pane.structure.legend if text.startswith("2HT0")]
    assert said == ["2HT0 A", "2HT0 B"]


def test_residues_of_complexes_are_found_by_chain(joint):
    """Without a chain in both; ranges, motifs and words in the one that is named."""
    found = {
        text: [joint.labels[i] for i in find_residues(joint, text).residues]
        for text in ("57", "b:57", "2HT0 B:50-52", "A:GxG")
    }
    assert found["57"] == ["A:57", "B:57"]
    assert found["b:57"] == ["B:57"]
    assert found["2HT0 B:50-52"] == ["B:50", "B:51", "B:52"]
    assert {label[0] for label in found["A:GxG"]} == {"A"}
    with pytest.raises(ex.TraceError, match=r"no chain 'C' here; there are: A \(2HT0\), B"):
        find_residues(joint, "C:5")


def test_pictures_name_chains_and_refuse_another_comparison(toy_encoder, joint, compared):
    """The figure and the 3D view say what they are of."""
    figure = ex.plots.interface_along_chains(joint, compared)
    assert "2HT0 chains A, B, 189 residues" in str(figure)
    assert [note.text for note in figure.layout.annotations] == ["chain A", "chain B"]
    view = ex.plots.view_interface(joint, compared)
    assert f"{compared.residues['changed'].sum()} tokens changed" in str(view)
    assert ACROSS in view.viewer.startjs
    other = ex.trace(toy_encoder, ex.read_complex("2HT0", ["B", "A"]))
    with pytest.raises(ex.TraceError, match="compared is of 2HT0 chains A, B, 189 residues, not"):
        ex.plots.view_interface(other, compared)


def test_complexes_of_esm_and_lists_of_chains_are_taken(dimer):
    """With the same chains in the same order."""
    for source in (ProteinComplex.from_chains(dimer.chains), list(dimer.chains)):
        taken = ex.read_complex(source)
        assert taken.chain_ids == ["A", "B"]
        assert taken.joined.sequence == dimer.joined.sequence


def without_frames(chain):
    positions = chain.atom37_positions.copy()
    positions[:, [0, 2]] = np.nan
    return with_positions(chain, positions)


WRONG = {
    "one chain": (lambda u: "1UBI", None, "there is only A: read_chain reads one chain"),
    "one of two": (lambda u: "2HT0", ["A"], "there is only A"),
    "no such chain": (lambda u: "2HT0", ["A", "C"], "Chain 'C' is not a protein chain"),
    "a chain twice": (lambda u: "2HT0", ["A", "A"], "'A' is in chain_ids twice"),
    "ids as a text": (lambda u: "2HT0", "AB", "has to be a list of chain ids"),
    "equal ids": (lambda u: [u, u], None, r"chains of one id \(A, A\)"),
    "no frame": (lambda u: two(u, without_frames(u)), None, r"To leave it out: chain_ids=\['A'\]"),
}


@pytest.mark.parametrize("case", WRONG)
@pytest.mark.filterwarnings("ignore::esm_explore.ChainWarning")
def test_what_is_no_complex_is_refused_with_what_would_be_right(case, ubiquitin):
    source, chain_ids, message = WRONG[case]
    with pytest.raises(ex.ChainError, match=message):
        ex.read_complex(source(ubiquitin), chain_ids)


def test_too_large_a_complex_says_how_many_can_be_taken(monkeypatch):
    """The limit is 5,000 residues; here of 100."""
    monkeypatch.setattr("esm_explore.chains.complexes.MOST_RESIDUES", 100)
    with pytest.raises(ex.ChainError, match="189 residues in 2 chains.* of up to 100 residues"):
        ex.read_complex("2HT0")


def test_exports_name_the_chains_and_have_no_row_between_them(joint, tmp_path):
    """Each program's names of chain and residue; coordinates that are read again as they were."""
    said = {}
    for kind in ("pml", "defattr", "csv", "fasta"):
        ex.export.residues(joint, tmp_path / f"tokens.{kind}", "token")
        said[kind] = (tmp_path / f"tokens.{kind}").read_text()
    token = joint.tokens[joint.index_of("B:90")]
    assert f"alter (polymer and chain B and resi 90), b={token}" in said["pml"]
    assert f"\t/B:90\t{token}\n" in said["defattr"]
    assert len(said["csv"].splitlines()) == 2 + 1 + 189
    heads = [line[:7] for line in said["fasta"].splitlines() if line.startswith(">")]
    assert heads == [">2HT0_A", ">2HT0_B"]
    ex.export.residues(joint, tmp_path / "2HT0.cif", "margin")
    again = ex.read_complex(tmp_path / "2HT0.cif")
    assert again.joined.sequence == joint.chain.sequence
    np.testing.assert_array_equal(again.joined.residue_index, joint.chain.residue_index)
    with pytest.raises(ex.TraceError, match="several chains: round_trip takes the trace of one"):
        ex.experiments.round_trip(joint, None)


@pytest.mark.slow
def test_a_shell_names_several_chains_with_commas(tmp_path, capsys):
    """The doctor and an export of A and B as one input; a chain that is not there is named."""
    with pytest.raises(typer.Exit) as ended:
        doctor_command("2HT0", chain="A,B")
    assert ended.value.exit_code == 0
    assert "chains A, B were encoded as one input" in capsys.readouterr().out
    export_command("2HT0", tmp_path / "a.csv", chain="B, A")
    assert "token of 2HT0 chains B, A, 189 residues" in capsys.readouterr().out
    with pytest.raises(typer.Exit) as ended:
        doctor_command("2HT0", chain="A,C")
    assert ended.value.exit_code == 2
    assert "Chain 'C' is not a protein chain of 2HT0" in capsys.readouterr().err


def test_one_chain_is_no_complex_to_compare(toy_encoder, ubiquitin):
    """The message says how a complex is read."""
    with pytest.raises(ex.TraceError, match=r"is one chain: .*read_complex"):
        ex.experiments.compare_joint(ex.trace(toy_encoder, ubiquitin))
