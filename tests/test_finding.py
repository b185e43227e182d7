"""What is typed into the inspector's box, found or refused in words."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import esm_explore as ex
from esm_explore.analysis import annotate, find_residues


@pytest.fixture(scope="module")
def traces():
    encoder = ex.load_encoder("mini")
    return [ex.trace(encoder, ex.read_chain(name)) for name in ("1UBI", "1AKE", "4ZHL")]


@pytest.fixture(scope="module")
def trace(traces):
    """Ubiquitin, numbered from 1 without gaps."""
    return traces[0]


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("48", ["48"]),
        (" 48 ", ["48"]),
        ("K48", ["48"]),
        ("k48", ["48"]),
        ("Lys48", ["48"]),
        ("LYS 48", ["48"]),
        ("A:48", ["48"]),
        ("A:K48", ["48"]),
        ("1UBI:48", ["48"]),
        ("10-12", ["10", "11", "12"]),
        ("10 – 12", ["10", "11", "12"]),
        ("1UBI:10-12", ["10", "11", "12"]),
        ("70-90", [str(n) for n in range(70, 77)]),
        ("10-11, 72, K48", ["10", "11", "48", "72"]),
        ("LxGG", ["73", "74", "75", "76"]),
        ("L-x-G-G", ["73", "74", "75", "76"]),
        ("mqif", ["1", "2", "3", "4"]),
        ("[ML]QI", ["1", "2", "3"]),
        ("{P}QI", ["1", "2", "3"]),
        ("M-x(2)-F", ["1", "2", "3", "4"]),
        ("Mx(1,3)F", ["1", "2", "3", "4"]),
        ("a:48", ["48"]),
        ("1ubi:48", ["48"]),
    ],
)
def test_residues_are_found_as_they_are_spoken_of(trace, text, labels):
    found = find_residues(trace, text)
    assert [trace.labels[i] for i in found.residues] == labels
    assert found.said.startswith(f"{len(labels)} residue")


def test_an_insertion_code_is_no_amino_acid(traces):
    """4ZHL has 37A to 37D; A37 would be an alanine, and 37 is histidine."""
    urokinase = traces[2]
    label = next(label for label in urokinase.labels if label[-1].isalpha())
    assert find_residues(urokinase, label).residues == (urokinase.labels.index(label),)
    assert find_residues(urokinase, label.lower()).residues == (urokinase.labels.index(label),)
    plain = label[:-1]
    own = urokinase.chain.sequence[urokinase.labels.index(plain)]
    assert find_residues(urokinase, f"{own}{plain}").residues == (urokinase.labels.index(plain),)


def test_a_range_takes_insertion_codes_along(traces):
    """In the order of the chain."""
    urokinase = traces[2]
    label = next(label for label in urokinase.labels if label[-1].isalpha())
    number = int(label[:-1])
    found = [
        urokinase.labels[i] for i in find_residues(urokinase, f"{number}-{number + 1}").residues
    ]
    assert label in found
    assert found[0] == str(number)
    assert found[-1] == str(number + 1)


def test_ends_that_are_missing_or_repeated(trace, traces):
    """A code comes after its number; of residues that share a number all are found."""
    urokinase = traces[2]
    label = next(label for label in urokinase.labels if label[-1].isalpha())
    number, code = int(label[:-1]), label[-1]
    with pytest.raises(ex.TraceError, match="runs backward"):
        find_residues(urokinase, f"{label}-{number}")
    missing = f"{number + 1}{code}"
    assert missing not in urokinase.labels
    found = [
        urokinase.labels[i] for i in find_residues(urokinase, f"{missing}-{number + 3}").residues
    ]
    assert found[0] == str(number + 2)
    chain = replace(trace.chain, residue_index=np.arange(76) % 40)
    twice = ex.trace(trace.encoder, chain)
    assert find_residues(twice, "10-11").residues == (10, 11, 50, 51)
    assert find_residues(twice, "5").residues == (5, 45)


def test_values_tokens_and_structures(trace):
    """As computed apart."""
    margin = trace.nearest.margin
    table = annotate(trace.chain)
    for text, expected in {
        "margin < 0.5": margin < 0.5,
        "margin>=1": margin >= 1,
        "burial > 20": table["burial"] > 20,
        "strand": table["secondary_structure"] == "strand",
        "Helix": table["secondary_structure"] == "helix",
        "positive": np.isin(list(trace.chain.sequence), list("KRH")),
        f"token {trace.tokens[30]}": trace.tokens == trace.tokens[30],
        f"code{trace.tokens[30]}": trace.tokens == trace.tokens[30],
    }.items():
        assert find_residues(trace, text).residues == tuple(np.flatnonzero(expected).tolist())


def test_overlapping_matches_are_all_found(trace):
    """LxxL in LRL L: every residue of each match."""
    sequence = trace.chain.sequence
    starts = [i for i in range(len(sequence) - 2) if sequence[i] == "L" and sequence[i + 2] == "L"]
    expected = sorted({i + k for i in starts for k in range(3)})
    assert len(starts) > 1
    assert list(find_residues(trace, "LxL").residues) == expected


def test_the_shown_chain_first_then_another(traces):
    """200 is in adenylate kinase alone; 30 in the one that is shown; a prefix decides."""
    assert find_residues(traces, "200", 0).chain == 1
    assert find_residues(traces, "30", 1).chain == 1
    assert find_residues(traces, "30", 0).chain == 0
    assert find_residues(traces, "U:30", 0).chain == 2


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("999", "it has: 1 to 76"),
        ("W48", r"Residue 48 of .* is K \(LYS\), not W"),
        ("Xyz48", "'Xyz' is no amino acid"),
        ("60-50", "runs backward: 50-60 would be right"),
        ("100-120", "it has: 1 to 76"),
        ("Q:3", "there are: A"),
        ("token 9999", "there are 0 to"),
        ("margin < 0", "they are"),
        ("WWWWW", "The motif WWWWW is not in the sequence"),
        ("GxB", "'B' is not an amino acid"),
        ("G#", "'#' is not an amino acid"),
        ("[G", "is not an amino acid"),
        ("xxx", "too short for a motif"),
        ("", "There is nothing to find"),
        ("A:", "There is nothing to find"),
        ("frameless", "No residue of .* is frameless; all of them have a backbone frame"),
        ("W48", "W is none of its residues"),
        ("G48", "G is 10, 35, 47, 53, 75, 76"),
        ("L48", "L is 8, 15, 43, 50, 56, 67, 69, 71 and 1 more"),
        ("helices", "Words that are found: helix, strand, coil, aliphatic, .*, frameless"),
        ("MQIFWKW", "its part MQIF is, at 1"),
        ("aromatics", "aromatic"),
        ("9" * 5000, "neither a residue nor a motif"),
        ("token " + "9" * 5000, "neither a residue nor a motif"),
    ],
)
def test_what_is_not_there_is_said(trace, text, said):
    """With what would be right."""
    with pytest.raises(ex.TraceError, match=said):
        find_residues(trace, text)


def test_of_a_token_that_no_residue_has_the_nearest_are_named(trace):
    """Each of them is found then; none of the chain's is nearer."""
    there = np.unique(trace.tokens)
    missing = int(np.setdiff1d(np.arange(len(trace.codebook)), there)[0])
    with pytest.raises(ex.TraceError, match="of its .* tokens the nearest are") as raised:
        find_residues(trace, f"token {missing}")
    named = [int(n) for n in re.findall(r"\d+", str(raised.value).split("nearest are")[1])]
    apart = dict(zip(there.tolist(), np.linalg.norm(
        trace.codebook[there] - trace.codebook[missing], axis=1), strict=True))  # fmt: skip
    assert named == sorted(apart, key=apart.get)[:8]
    assert all(find_residues(trace, f"token {token}").residues for token in named)


@pytest.mark.slow
def test_a_kind_that_no_residue_is_of_is_answered_with_those_that_are(trace):
    """Poly-alanine of ubiquitin's backbone has no aromatic residue."""
    chain = replace(trace.chain, sequence="A" * 76)
    with pytest.raises(ex.TraceError, match=r"is aromatic; they are aliphatic \(76\)\."):
        find_residues(ex.trace(trace.encoder, chain), "aromatic")


def test_of_several_chains_all_that_were_looked_into_are_named(traces):
    with pytest.raises(ex.TraceError, match=r"WWWWW is not in .*1UBI.* Nor .*1AKE.*4ZHL"):
        find_residues(traces, "WWWWW")
    with pytest.raises(ex.TraceError) as raised:
        find_residues(traces, "G#")
    assert "Nor" not in str(raised.value)


@settings(max_examples=300, deadline=None)
@given(text=st.text(max_size=20) | st.text("AGKx-0123456789:,[]{}<>= .tokenmargi", max_size=14))
def test_any_text_is_found_or_refused(traces, text):
    """By an error of ours; what is found is there."""
    try:
        found = find_residues(traces, text)
    except ex.TraceError:
        return
    assert found.residues
    assert 0 <= found.residues[0] <= found.residues[-1] < len(traces[found.chain])


@settings(max_examples=60, deadline=None)
@given(first=st.integers(1, 76), last=st.integers(1, 76))
def test_a_range_is_all_between(trace, first, last):
    """Both ends among it."""
    if first > last:
        first, last = last, first
    found = find_residues(trace, f"{first}-{last}").residues
    assert found == tuple(range(first - 1, last))
