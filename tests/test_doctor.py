"""The doctor finds what could make tokens misleading, says where, why and what to do."""

from __future__ import annotations

import dataclasses
import gzip
import warnings
from pathlib import Path

import numpy as np
import pytest
import typer
from conftest import pdb_lines, with_positions
from typer.testing import CliRunner

import esm_explore as ex
from esm_explore.cli.commands import doctor_command
from esm_explore.diagnosis.interface_findings import unseen_neighbors
from esm_explore.parsing import structure_files
from esm_explore.sources.locating import locate

DATA = Path(__file__).parent / "data"
EXAMPLES = Path(ex.__file__).parent / "sources" / "examples"


@pytest.fixture
def lines() -> list[str]:
    """1UBI in PDB columns."""
    return pdb_lines(structure_files.read_model(locate(EXAMPLES / "1ubi.bcif.gz")).atoms)


def finding(report, words):
    found = [each for each in report if words in each.title]
    assert len(found) == 1, (words, [each.title for each in report])
    return found[0]


def edited(lines, residues, edit):
    """Edit the ATOM lines of some residues; a line that becomes None goes."""
    changed = [
        edit(line) if line.startswith("ATOM") and int(line[22:26]) in residues else line
        for line in lines
    ]
    return [line for line in changed if line is not None]


def test_the_title_names_the_chain_and_the_encoder_and_nothing_is_worst_first(toy_encoder):
    """7CFN has warnings and notes; every finding says why and what to do."""
    report = ex.doctor("7CFN", toy_encoder)
    assert report.title.startswith("7CFN chain A, 232 residues, tokens of unnamed encoder")
    order = [("error", "warning", "note").index(each.severity) for each in report]
    assert order == sorted(order)
    assert report.worst == "warning"
    assert all(each.why and each.remedy for each in report)


def test_without_an_encoder_the_bundled_mini_is_used_and_named():
    """Tokens of another encoder would have other ties."""
    assert "tokens of mini" in ex.doctor("1EJG").title


@pytest.mark.slow
def test_numbering_is_counted_with_the_encoder(toy_encoder):
    """As many tokens as differ between two traces, and those residues are named."""
    chain = ex.read_chain("4ZHL")
    file, sequential = (ex.trace(toy_encoder, chain, numbering=n) for n in ("file", "sequential"))
    changed = file.tokens != sequential.tokens
    found = finding(ex.doctor(chain, toy_encoder), 'numbering="sequential" changes')
    assert f"changes {changed.sum()} of 247 tokens" in found.title
    assert found.residues == tuple(np.array(file.labels)[changed])
    assert not any("numbering" in each.title for each in ex.doctor("1UBI", toy_encoder))


def test_the_constant_code_of_residues_without_a_frame(toy_encoder, ubiquitin):
    """Residues 11 and 12 of 1UBI without CA: the code in the title is the one they have."""
    positions = ubiquitin.atom37_positions.copy()
    positions[10:12, 1] = np.nan
    chain = with_positions(ubiquitin, positions)
    found = finding(ex.doctor(chain, toy_encoder), "constant code")
    code = ex.trace(toy_encoder, chain).tokens[10]
    assert f"constant code {code}: 2 of 76" in found.title
    assert found.residues == ("11", "12")


@pytest.mark.slow
def test_neighbors_in_other_chains_are_those_of_a_search_over_all_chains(toy_encoder):
    """1EK9, three chains: counted by hand for one residue, from the file's other chains."""
    report = ex.doctor("1EK9", toy_encoder)
    assert "other chains (B, C)" in finding(report, "other chains").title
    a, b, c = (ex.read_chain("1EK9", name).atom37_positions[:, 1] for name in "ABC")
    index = list(ex.read_chain("1EK9").residue_index).index(
        int(finding(report, "other chains").residues[0])
    )
    nearest = np.argsort(np.linalg.norm(np.concatenate([a, b, c]) - a[index], axis=1))[:16]
    count = unseen_neighbors(ex.read_chain("1EK9"), np.concatenate([b, c]))
    assert (nearest >= len(a)).sum() == count[index] > 0


@pytest.mark.slow
def test_of_a_bare_chain_it_is_said_that_other_chains_are_not_known(toy_encoder, ubiquitin):
    """A copy of a chain does not know its file; nor does one that was moved since."""
    copied = dataclasses.replace(ubiquitin)
    assert finding(ex.doctor(copied, toy_encoder), "not known").severity == "note"
    moved = ex.read_chain("1EK9")
    assert not any("not known" in each.title for each in ex.doctor(moved, toy_encoder))
    moved.atom37_positions[:] += 1
    assert finding(ex.doctor(moved, toy_encoder), "not known")


def test_near_ties_have_the_smallest_margins(toy_encoder, ubiquitin):
    """Two codes moved to the same distance of one residue's latent."""
    trace = ex.trace(toy_encoder, ubiquitin)
    codebook = trace.codebook.copy()
    codebook[(trace.tokens[5] + 1) % 512] = codebook[trace.tokens[5]] + 1e-6
    tied = dataclasses.replace(trace, codebook=codebook)
    same = np.array(trace.labels)[trace.tokens == trace.tokens[5]]
    assert set(same) <= set(finding(ex.doctor(tied), "near-ties").residues)


@pytest.mark.slow
def test_gaps_by_number_and_by_distance(tmp_path, toy_encoder, lines):
    """Residues 30 to 33 missing; 50 on renumbered; chain pulled apart after 60."""

    def change(line):
        if not line.startswith("ATOM"):
            return line
        number = int(line[22:26])
        if number >= 50:
            line = f"{line[:22]}{number + 7:4d}{line[26:]}"
        if number > 60:
            line = f"{line[:30]}{float(line[30:38]) + 20:8.3f}{line[38:]}"
        return None if 30 <= number <= 33 else line

    path = tmp_path / "x.pdb"
    path.write_text("\n".join(line for line in map(change, lines) if line) + "\nEND\n")
    report = ex.doctor(path, toy_encoder)
    assert finding(report, "residues are missing after").residues == ("29",)
    assert finding(report, "numbers jump, but the chain goes on").residues == ("49",)
    assert finding(report, "the chain is broken, but numbers go on").residues == ("67",)


@pytest.mark.slow
def test_odd_geometry_is_named_by_residue(toy_encoder):
    """A stretched N-CA at 20, residue 40's backbone on that of 10, a mirrored CB at 25."""
    chain = ex.read_chain("1UBI")
    positions = chain.atom37_positions.copy()
    positions[19, 0] += 0.5 * (positions[19, 0] - positions[19, 1])
    positions[39] += positions[9, 1] - positions[39, 1] + 0.7
    n, ca, c, cb = positions[24, :4]
    normal = np.cross(n - ca, c - ca)
    normal /= np.linalg.norm(normal)
    positions[24, 3] = cb - 2 * ((cb - ca) @ normal) * normal
    report = ex.doctor(with_positions(chain, positions), toy_encoder)
    assert "20" in finding(report, "bond lengths or angles").residues
    assert {"10", "40"} <= set(finding(report, "closer than 2.2").residues)
    assert finding(report, "D-amino acids").residues == ("25",)
    assert finding(ex.doctor("1AS5", toy_encoder), "CA-CA to the next").residues == ("1",)


@pytest.mark.slow
def test_what_was_chosen_from_the_file(toy_encoder):
    """1AS5: 14 models, HYP; 3AL1: alternate locations with their occupancies; insertion codes."""
    report = ex.doctor(DATA / "1as5.cif.gz", toy_encoder)
    assert finding(report, "model 1 of 14")
    assert finding(report, "modified residues (HYP as P)").residues == ("2", "3", "14")
    locations = finding(ex.doctor(DATA / "3al1.pdb.gz", toy_encoder), "alternate locations")
    assert "A (0." in locations.title
    assert ", not B (0." in locations.title
    assert len(finding(ex.doctor("4ZHL", toy_encoder), "insertion codes").residues) == 19
    assert finding(ex.doctor("2HT0", toy_encoder), "is the first of A (96 residues), B (93")


@pytest.mark.slow
def test_occupancy_zero_high_b_factors_and_a_file_without_end(tmp_path, toy_encoder, lines):
    """Residue 5 has occupancy 0, residue 6 a B-factor of 150."""
    cut = edited(lines, {5}, lambda line: line[:54] + "  0.00" + line[60:])
    cut = edited(cut, {6}, lambda line: line[:60] + "150.00" + line[66:])
    path = tmp_path / "x.pdb"
    path.write_text("\n".join(line for line in cut if line.startswith("ATOM")) + "\n")
    report = ex.doctor(path, toy_encoder)
    assert finding(report, "occupancy 0").residues == ("5",)
    assert finding(report, "B-factors above").residues == ("6",)
    assert finding(report, "no END line").severity == "note"


def test_low_plddt(toy_encoder, monkeypatch, tmp_path):
    """1UBI with its B-factors taken for pLDDT: all are low."""
    monkeypatch.setenv("ESM_EXPLORE_CACHE", str(tmp_path))
    kept = tmp_path / "alphafold" / "AF-P69905-F1.bcif"
    kept.parent.mkdir()
    kept.write_bytes(gzip.decompress((EXAMPLES / "1ubi.bcif.gz").read_bytes()))
    found = finding(ex.doctor("AF-P69905", toy_encoder), "pLDDT below 70")
    assert found.severity == "warning"
    assert len(found.residues) == 76


def test_what_cannot_be_read_or_encoded_is_an_error_in_the_report(toy_encoder, ubiquitin, tmp_path):
    """A missing file, a web page, and two CA at one place."""
    (tmp_path / "page.pdb").write_text("<html>404</html>")
    for source, words in (("none.pdb", "There is no file"), (tmp_path / "page.pdb", "a web page")):
        report = ex.doctor(source, toy_encoder)
        assert report.worst == "error"
        assert words in report[0].title
    assert ex.doctor(np.zeros((500, 3)), toy_encoder).title == "ndarray"
    positions = ubiquitin.atom37_positions.copy()
    positions[11] = positions[10]
    report = ex.doctor(with_positions(ubiquitin, positions), toy_encoder)
    assert "cannot be encoded: CA atoms at the same place" in report[0].title


@pytest.mark.slow
def test_a_traces_findings_are_the_doctors_and_cost_nothing_until_asked(toy_encoder):
    """The same report; tracing itself does not make it."""
    chain = ex.read_chain("4ZHL")
    trace = ex.trace(toy_encoder, chain)
    assert "findings" not in vars(trace)
    assert repr(ex.doctor(trace)) == repr(ex.doctor(chain, toy_encoder))


def test_a_loaded_trace_without_encoder_has_the_findings_that_need_none(toy_encoder, tmp_path):
    """What numbering changes is said not to be computed."""
    trace = ex.trace(toy_encoder, ex.read_chain("4ZHL"))
    loaded = ex.load_trace(trace.save(tmp_path / "trace"))
    assert finding(ex.doctor(loaded), "was not computed, without the encoder")
    assert finding(ex.doctor(loaded), "insertion codes")


def test_as_text_as_a_frame_and_as_html(toy_encoder, ubiquitin):
    """HTML is escaped: a file's name is not to be trusted."""
    named = dataclasses.replace(ubiquitin, id="<script>alert(1)</script>")
    report = ex.doctor(named, toy_encoder)
    assert "what to do:" in repr(report)
    table = report.to_frame()
    assert list(table) == ["severity", "title", "residues", "why", "remedy"]
    assert len(table) == len(report)
    html = report._repr_html_()
    assert "<script>" not in html
    assert "&lt;script&gt;" in html
    assert report[0].remedy.split("'")[0].split("<")[0][:20] in html


@pytest.mark.slow
def test_the_command_ends_with_0_1_or_2(tmp_path):
    """Notes, warnings, errors; also where the encoder cannot be loaded."""
    app = typer.Typer()
    app.command()(doctor_command)
    run = CliRunner()
    with warnings.catch_warnings():
        warnings.simplefilter("error", ex.ChainWarning)
        results = [run.invoke(app, [name]) for name in ("1EJG", "4ZHL", "none.pdb")]
    assert [result.exit_code for result in results] == [0, 1, 2]
    assert "near-ties" in results[0].output
    assert "There is no file" in results[2].output
    assert run.invoke(app, ["1EJG", "--encoder", "none.pth"]).exit_code == 2


@pytest.mark.slow
def test_a_trace_whose_encoder_has_changed_is_not_traced_again():
    """4ZHL's other numbering would be told with another encoder's tokens."""
    encoder = ex.load_encoder()
    trace = ex.trace(encoder, ex.read_chain("4ZHL"))
    assert any("numbering" in found.title for found in ex.doctor(trace))
    encoder.knn = 8
    report = ex.doctor(trace)
    assert finding(report, "the encoder has changed since the trace was made")
    assert not any("numbering=" in found.title for found in report)
