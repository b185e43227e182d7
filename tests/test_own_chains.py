"""What is made of a chain is of its numbers, however they lie in memory, and stays so."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from conftest import with_positions

import esm_explore as ex
from esm_explore.analysis.annotations import KEYS, annotate
from esm_explore.experiments.comparing import LINKS, compare, match_residues
from esm_explore.plots.structure_views import view_neighborhood

pytestmark = pytest.mark.lines
ARRAYS = ("residue_index", "insertion_code", "atom37_positions", "atom37_mask", "confidence")


def backwards(value):
    """The same numbers, written from the end."""
    return np.ascontiguousarray(value[::-1])[::-1]


def read_only(value):
    value = value.copy()
    value.flags.writeable = False
    return value


LAYOUTS = {
    "big endian": lambda value: value.astype(value.dtype.newbyteorder(">")),
    "Fortran": np.asfortranarray,
    "negative strides": backwards,
    "every other of a larger array": lambda value: np.repeat(value, 2, axis=0)[::2],
    "read-only": read_only,
    "wider": lambda value: value.astype({"f": np.float64, "i": np.int32}.get(value.dtype.kind)
                                        or value.dtype),
}  # fmt: skip


def arranged(chain, layout):
    return replace(chain, **{name: LAYOUTS[layout](getattr(chain, name)) for name in ARRAYS})


@pytest.fixture(scope="module")
def chain():
    """4ZHL, 247 residues: insertion codes, jumps in the numbers."""
    return ex.read_chain("4ZHL")


@pytest.mark.slow
@pytest.mark.parametrize("layout", LAYOUTS)
def test_how_arrays_lie_in_memory_changes_no_token(toy_encoder, chain, layout):
    """Byte order, memory order, strides, read-only, wider: trace, tokenize, doctor, annotate."""
    given = arranged(chain, layout)
    expected, found = ex.trace(toy_encoder, chain), ex.trace(toy_encoder, given)
    np.testing.assert_array_equal(found.tokens, expected.tokens)
    np.testing.assert_array_equal(found.z_q, expected.z_q)
    assert found.to_frame().equals(expected.to_frame())
    (tokens,) = ex.tokenize(toy_encoder, [given])
    np.testing.assert_array_equal(tokens.tokens, next(ex.tokenize(toy_encoder, [chain])).tokens)
    plain = replace(chain)  # without its reading, as the other
    assert str(ex.doctor(given, toy_encoder)) == str(ex.doctor(plain, toy_encoder))
    assert annotate(given).equals(annotate(chain))


def scrambled(chain):
    """Write other numbers into all arrays of a chain."""
    chain.atom37_positions[:] = chain.atom37_positions[::-1] * 3 + 50
    chain.residue_index[:] += 500
    chain.insertion_code[:] = "Z"
    chain.atom37_mask[:] = False
    chain.confidence[:] = 0


@pytest.mark.slow
def test_what_was_traced_does_not_change_with_the_users_arrays(toy_encoder, tmp_path):
    """Labels, table, views, findings, neighborhood and file of a trace; tables of tokens."""
    given, kept = ex.read_chain("1AKE"), ex.read_chain("1AKE")
    trace, expected = ex.trace(toy_encoder, given), ex.trace(toy_encoder, kept)
    (tokens,) = ex.tokenize(toy_encoder, [given])
    scrambled(given)
    assert trace.labels == expected.labels
    assert trace.to_frame().equals(expected.to_frame())
    assert tokens.to_frame()["number"].tolist() == expected.to_frame()["number"].tolist()
    for color in KEYS:
        assert repr(ex.view(trace, color)) == repr(ex.view(expected, color))
    assert str(ex.doctor(trace)) == str(ex.doctor(expected))
    assert annotate(trace.chain).equals(annotate(kept))
    assert repr(trace.neighborhood("30")) == repr(expected.neighborhood("30"))
    paths = [one.save(tmp_path / name) for one, name in ((trace, "a"), (expected, "b"))]
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_annotations_follow_a_chain_that_moves(ubiquitin):
    """The atoms that esm's class keeps of an earlier frame are not asked."""
    chain = replace(ubiquitin, atom37_positions=ubiquitin.atom37_positions.copy())
    before = annotate(chain)
    chain.atom37_positions[:] *= 10
    after = annotate(chain)
    assert before["burial"].min() > 0
    assert after["burial"].max() == 0


@pytest.mark.slow
def test_a_generator_that_moves_one_chain_gives_each_frame_its_own_tokens(toy_encoder, ubiquitin):
    """Coordinates, numbers and letters; also what each result says of its chain afterwards."""
    rng = np.random.default_rng(0)
    start = ubiquitin.atom37_positions
    frames = [start + rng.normal(0, 0.5, start.shape).astype(np.float32) for _ in range(4)]
    numbers = ubiquitin.residue_index.copy()
    chain = replace(with_positions(ubiquitin, start.copy()), residue_index=numbers)

    def loop():
        for i, frame in enumerate(frames):
            chain.atom37_positions[:] = frame
            chain.residue_index[:] = np.arange(76) + 100 * i
            yield chain

    found = list(ex.tokenize(toy_encoder, loop(), chunk_size=1_000))
    for i, (tokens, frame) in enumerate(zip(found, frames, strict=True)):
        alone = with_positions(replace(ubiquitin, residue_index=numbers), frame)
        (expected,) = ex.tokenize(toy_encoder, [alone])
        np.testing.assert_array_equal(tokens.tokens, expected.tokens)
        np.testing.assert_array_equal(
            tokens.chain.atom37_positions, expected.chain.atom37_positions
        )
        assert tokens.to_frame()["number"].tolist() == list(range(100 * i, 100 * i + 76))
    traced = [ex.trace(toy_encoder, each) for each in loop()]
    for trace, tokens in zip(traced, found, strict=True):
        np.testing.assert_array_equal(trace.tokens, tokens.tokens)
        assert trace.labels[0] == str(tokens.chain.residue_index[0])


@pytest.fixture(scope="module")
def holes(toy_encoder, ubiquitin):
    """Ubiquitin whose residues 1, 11 and 30 to 34 were taken out by NaN, the mask left alone."""
    positions = ubiquitin.atom37_positions.copy()
    positions[[0, 10, *range(29, 34)]] = np.nan
    positions[50, 4:] = np.inf
    return replace(ubiquitin, atom37_positions=positions)


def test_a_residue_taken_out_by_nan_is_without_annotations(holes, ubiquitin):
    """As one without atoms; the others keep theirs, but for what they lost near them."""
    table = annotate(holes)
    out = [0, 10, *range(29, 34)]
    assert np.flatnonzero(table["burial"].isna()).tolist() == out
    assert np.flatnonzero(table["secondary_structure"] == "unknown").tolist() == out
    gone = ubiquitin.atom37_mask.copy()
    gone[out] = False
    assert annotate(replace(holes, atom37_mask=gone)).equals(table)
    nothing = with_positions(ubiquitin, np.full_like(ubiquitin.atom37_positions, np.nan))
    assert annotate(nothing)["burial"].isna().all()


@pytest.mark.slow
def test_a_residue_taken_out_by_nan_works_in_views_and_the_inspector(holes, toy_encoder):
    """Every color, a neighborhood of a residue beside it, of itself, and all steps clicked."""
    trace = ex.trace(toy_encoder, holes)
    for color in KEYS:
        assert "Gray: 7 residues" in repr(ex.view(trace, color))
        ex.view(trace, color).html()
    for residue in ("12", "11", "1"):
        view_neighborhood(trace, residue).html()
        view_neighborhood(trace, residue, block=1, head=0).html()
    (tokens,) = ex.tokenize(toy_encoder, [holes])
    np.testing.assert_array_equal(tokens.tokens, trace.tokens)
    assert "no backbone frame" in str(ex.doctor(holes, toy_encoder))
    inspector = ex.inspect([trace, trace])
    for residue in (0, 10, 11, 31):
        for step in range(len(trace.stages)):
            inspector.step = step
            inspector.selected = residue
    inspector.close()


ODD = "BZUOXJbzuoxjacdk*-."


@pytest.fixture(scope="module")
def odd(toy_encoder, ubiquitin):
    """Ubiquitin with letters beyond the 20, and numbers that several residues share."""
    sequence = ubiquitin.sequence[:5] + ODD + ubiquitin.sequence[5 + len(ODD) :]
    numbers = ubiquitin.residue_index.copy()
    numbers[10:20], numbers[40] = 11, 1
    codes = ubiquitin.insertion_code.copy()
    codes[60:62] = "A"
    given = replace(ubiquitin, sequence=sequence, residue_index=numbers, insertion_code=codes)
    return ex.trace(toy_encoder, given)


@pytest.mark.parametrize("by", LINKS)
def test_odd_letters_and_repeated_numbers_match(odd, toy_encoder, ubiquitin, by):
    """In one chain, beside another, the other way round, and beside itself."""
    plain = ex.trace(toy_encoder, ubiquitin)
    own = match_residues(odd, odd, by)
    np.testing.assert_array_equal(own, np.arange(76))
    for pair in ((odd, plain), (plain, odd)):
        match = match_residues(*pair, by)
        known = match[match >= 0]
        assert len(set(known.tolist())) == len(known) >= 50
    if by == "alignment":
        np.testing.assert_array_equal(match, np.arange(76))


@pytest.mark.slow
def test_odd_letters_and_repeated_numbers_compare_and_show(odd, toy_encoder, ubiquitin):
    """compare, annotate, views, tables, the doctor, and the inspector linked both ways."""
    plain = ex.trace(toy_encoder, ubiquitin)
    assert not compare(odd, odd)["changed"].any()
    assert len(compare(odd, plain)) >= 50
    table = annotate(odd.chain)
    assert table["burial"].equals(annotate(ubiquitin)["burial"])
    assert set(table["secondary_structure"]) == {"helix", "strand", "coil"}
    assert len(odd.to_frame()) == 76
    assert "more than once" in str(ex.doctor(odd))
    for color in KEYS:
        ex.view(odd, color).html()
    inspector = ex.inspect([odd, plain])
    for by in LINKS:
        inspector.linked_by = by
        for chain in (0, 1):
            for residue in (0, 12, 40):
                inspector.choose(chain, residue, (residue,))
    inspector.close()


BAD = {
    "residue_index": [np.full(76, np.inf), np.full(76, 2**40), np.full(76, 1j), np.arange(75)],
    "atom37_positions": [np.zeros((76, 37, 3), "U3"), np.zeros((76, 37, 3), object)],
    "atom37_mask": [np.ones((76, 14), bool), np.full((76, 37), "x")],
    "insertion_code": [np.zeros(76), np.array([None] * 76), np.full(76, b"A")],
    "confidence": [np.full(76, "high"), np.ones((76, 2))],
    "sequence": [list("A" * 76)],
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_array_of_a_chain_is_refused_by_name(toy_encoder, ubiquitin, name):
    """Other kinds and shapes, numbers that esm would wrap around: trace, tokenize, annotate."""
    for value in BAD[name]:
        given = replace(ubiquitin)
        object.__setattr__(given, name, value)
        for use in (
            lambda given=given: ex.trace(toy_encoder, given),
            lambda given=given: list(ex.tokenize(toy_encoder, [given])),
            lambda given=given: annotate(given),
        ):
            with pytest.raises(ex.TraceError, match=f"{name} of the chain"):
                use()
