"""`tokenize DIR` reads what is a structure, whatever its name, and names what it leaves out."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import tarfile
import zipfile
from pathlib import Path

import pytest
import zstandard
from conftest import pdb_lines

from esm_explore.atlas.building import build
from esm_explore.atlas.origin import Report
from esm_explore.parsing.structure_files import read_model
from esm_explore.sources.directories import find_sources
from esm_explore.sources.locating import locate
from esm_explore.tokens.chunks import ChunkedEncoder

EXAMPLES = Path(__file__).parent.parent / "esm_explore" / "sources" / "examples"


@pytest.fixture(scope="module")
def pdb() -> bytes:
    """1UBI in PDB columns."""
    return "\n".join([*pdb_lines(read_model(locate("1UBI")).atoms), "END", ""]).encode()


@pytest.fixture
def folder(tmp_path):
    """Write files into a folder; give what is found in it, and what is left out, by name."""
    top = tmp_path / "top"
    top.mkdir()

    def find(**contents):
        for name, content in contents.items():
            (top / name).write_bytes(content)
        failures = []
        found = {os.path.relpath(path, top) for path in find_sources([str(top)], failures)}
        return found, {os.path.relpath(path, top): why for path, _, why in failures}

    find.top = top
    return find


def zipped(content: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a", content)
    return packed.getvalue()


def tarred(content: bytes) -> bytes:
    packed, info = io.BytesIO(), tarfile.TarInfo("a")
    info.size = len(content)
    with tarfile.open(fileobj=packed, mode="w") as archive:
        archive.addfile(info, io.BytesIO(content))
    return packed.getvalue()


PLAIN = ["d1ubia_", "a.ent", "a.pdb1", "a.pdbqt", "a.pqr", "a.brk", "a.PDB", "a.txt", "a.b.c"]
PACKED = {
    "a.pdb.gz": gzip.compress,
    "a.ent.bz2": bz2.compress,
    "a.xz": lzma.compress,
    "a.pdb1.zst": zstandard.compress,
    "a.zip": zipped,
    "a.tar": tarred,
    "a.tgz": lambda content: gzip.compress(tarred(content)),
    "a.tar.xz": lambda content: lzma.compress(tarred(content)),
    "archive": tarred,
}


@pytest.mark.slow
def test_structures_are_found_by_content_and_all_are_tokenized(folder, pdb, toy_encoder, tmp_path):
    """Without a suffix, with an odd one or another's, in each way of packing."""
    cif = locate(EXAMPLES.parent.parent.parent / "tests" / "data" / "1as5.cif.gz").content
    files = {name: pdb for name in PLAIN} | {n: pack(pdb) for n, pack in PACKED.items()}
    files |= {name: cif for name in ("b.pdbx", "b.mmcif", "b")}
    found, left_out = folder(**files)
    assert (found, left_out) == (set(files), {})
    report = Report()
    sources = find_sources([str(folder.top)], report.failures)
    build(ChunkedEncoder(toy_encoder), sources, tmp_path / "t.parquet", report)
    assert report.failures == []
    assert report.n_residues == 76 * (len(PLAIN) + len(PACKED)) + 24 * 3


def test_what_is_left_out_is_named_with_its_reason(folder, pdb):
    """Nothing of a directory is passed over in silence."""
    top = folder.top
    (top / ".git").mkdir()
    (top / ".git" / "config").write_text("[core]")
    (top / "dead").symlink_to("nowhere")
    os.mkfifo(top / "pipe")
    away = top.parent / "away"
    away.mkdir()
    (top / "link").symlink_to(away)
    (top / "twin").symlink_to(top)
    files = {
        "notes.txt": b"hello",
        "empty.txt": b"",
        "page.html": b"<!DOCTYPE html><html>",
        "picture.png": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
        "log.gz": gzip.compress(b"hello"),
        "weights.pth": zipped(b"x"),
        ".hidden.pdb": pdb,
        "zeros.bin": bytes(5000),
    }
    found, left_out = folder(good=pdb, **files)
    assert found == {"good"}
    assert left_out == {
        ".git": "left out: a hidden directory",
        ".hidden.pdb": "left out: a hidden file",
        "dead": "left out: a link to nowhere",
        "pipe": "left out: not a file",
        "link": "left out: a link to a directory, which is not followed",
        "notes.txt": "left out: not a structure: no ATOM lines and no data_ block where it begins",
        "empty.txt": "left out: not a structure: it is empty",
        "page.html": "left out: not a structure: a web page or XML",
        "picture.png": "left out: not a structure: a binary file",
        "log.gz": "left out: not a structure: no ATOM lines and no data_ block where it begins",
        "weights.pth": "left out: not a structure: a zip archive by its content",
        "zeros.bin": "left out: not a structure: a binary file",
    }


def test_what_is_called_a_structure_is_left_to_its_reading(folder):
    """So that the reason is that of `read_chain`; also what is packed and damaged."""
    names = {"a.pdb": b"hello", "b.cif.gz": b"\x1f\x8b", "c": gzip.compress(b"x" * 999)[:20]}
    assert folder(**names) == (set(names), {})


def test_long_remarks_and_other_line_ends_and_encodings(folder, pdb):
    """200 KB of remarks before the first atom; ends of old Macs; UTF-16; a byte-order mark."""
    files = {
        "long": b"REMARK   1 SAID\n" * 13_000 + pdb,
        "mac": b"\r".join(pdb.splitlines()),
        "utf16": pdb.decode().encode("utf-16"),
        "bom": b"\xef\xbb\xbf" + pdb,
        "cif": b"# said\n\nDATA_x\nloop_\n",
    }
    assert folder(**files) == (set(files), {})


def test_patterns_home_and_addresses(folder, pdb, monkeypatch):
    """A pattern gives what it names, unseen; `~` is the home folder; an address is no pattern."""
    folder(a=pdb, b=b"hello")
    monkeypatch.setenv("HOME", str(folder.top))
    address = "https://example.org/1ubi.cif?version=[1]"
    failures = []
    assert find_sources(["~/?", "~/a", address, "-"], failures) == [
        str(folder.top / "a"),
        str(folder.top / "b"),
        address,
        "-",
    ]
    assert failures == []
    found = find_sources(["~"], failures)
    assert found == [str(folder.top / "a")]
    assert [why.partition(":")[0] for _, _, why in failures] == ["left out"]
