"""What is packed is opened where it holds one structure, else called what it is."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
import zstandard
from conftest import pdb_lines

import esm_explore as ex
from esm_explore.parsing.structure_files import read_model
from esm_explore.sources import unpacking
from esm_explore.sources.locating import locate

EXAMPLES = Path(ex.__file__).parent / "sources" / "examples"


def zipped(*members, compression=zipfile.ZIP_DEFLATED) -> bytes:
    """Put names and contents into a zip."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", compression) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return packed.getvalue()


def tarred(*members, form=tarfile.PAX_FORMAT) -> bytes:
    """Put names and contents into a tar; a name without content is a folder."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=form) as archive:
        for name, content in members:
            info = tarfile.TarInfo(name)
            if content is None:
                info.type = tarfile.DIRTYPE
            else:
                info.size = len(content)
            archive.addfile(info, io.BytesIO(content or b""))
    return packed.getvalue()


def stored(*members) -> bytes:
    return zipped(*members, compression=zipfile.ZIP_STORED)


def tar_without_magic(*members) -> bytes:
    """As Unix V7 wrote it: nothing but the checksum of the header tells it."""
    content = bytearray(tarred(*members, form=tarfile.USTAR_FORMAT))
    content[257:265] = bytes(8)
    content[148:156] = b" " * 8
    content[148:156] = f"{sum(content[:512]):06o}\0 ".encode()
    return bytes(content)


@pytest.fixture(scope="module")
def pdb() -> bytes:
    """1UBI in PDB columns."""
    return "\n".join([*pdb_lines(read_model(locate("1UBI")).atoms), "END", ""]).encode()


BINARY = gzip.decompress((EXAMPLES / "1ubi.bcif.gz").read_bytes())
COMPRESSIONS = {
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "zstd": zstandard.compress,
}
README = ("README.txt", b"ATOM lines are described elsewhere.")


def read(content: bytes, path: Path):
    path.write_bytes(content)
    return ex.read_chain(path)


def refused(content: bytes, tmp_path: Path) -> str:
    """The message that a file is refused with; its name says nothing."""
    with pytest.raises(ex.ChainError) as error:
        read(content, tmp_path / "x")
    return str(error.value)


@pytest.mark.slow
@pytest.mark.parametrize("kind", COMPRESSIONS)
@pytest.mark.parametrize("inside", ["pdb", "binary"])
def test_each_compression_is_told_by_content_and_can_have_several_parts(
    tmp_path, pdb, kind, inside, ubiquitin
):
    """Also two of them in one file, as cat and parallel programs write them, and one in another."""
    content, pack = pdb if inside == "pdb" else BINARY, COMPRESSIONS[kind]
    for packed in (
        pack(content),
        pack(content[:1000]) + pack(content[1000:]),
        pack(gzip.compress(content)),
        zipped(("x", pack(content))),
        pack(tarred(("x", content))),
    ):
        chain = read(packed, tmp_path / "1UBI")
        assert chain.sequence == ubiquitin.sequence
        np.testing.assert_allclose(
            chain.atom37_positions, ubiquitin.atom37_positions, atol=6e-4, equal_nan=True
        )


@pytest.mark.parametrize("kind", COMPRESSIONS)
def test_a_compressed_file_that_was_cut_off_is_called_that(tmp_path, pdb, kind):
    """Half of the file would be half of a chain."""
    packed = COMPRESSIONS[kind](pdb)
    for content in (packed[: len(packed) // 2], packed[:-1], packed[:20]):
        assert f"is a {kind} file that is damaged or cut off" in refused(content, tmp_path)


@pytest.mark.parametrize("pack", [zipped, stored, tarred, tar_without_magic])
def test_an_archive_of_one_structure_is_opened(tmp_path, pdb, pack, ubiquitin):
    """Told by content, whatever else is in it, by whatever name."""
    around = [README, ("__MACOSX/._model", pdb), (".DS_Store", pdb), ("notes/empty", b"")]
    for content in (pdb, BINARY, gzip.compress(pdb)):
        chain = read(pack(*around, ("deep/model", content)), tmp_path / "1UBI.xyz")
        assert (chain.id, chain.sequence) == ("1UBI", ubiquitin.sequence)
    if pack is tarred:
        assert len(read(tarred(("deep", None), ("deep/model", pdb)), tmp_path / "y")) == 76


@pytest.mark.parametrize("pack", [zipped, stored, tarred, tar_without_magic])
def test_an_archive_of_several_is_refused_with_what_it_holds(tmp_path, pdb, pack):
    """And with what to do; its text is never one chain."""
    for content in (pdb, BINARY):
        said = refused(pack(README, ("a.pdb", content), ("b.pdb", content)), tmp_path)
        kind = "zip" if pack in (zipped, stored) else "tar"
        assert f"is a {kind} archive of 2 structures (a.pdb, b.pdb): unpack it" in said
    many = pack(*[(f"model_{i}.pdb", pdb[:2000]) for i in range(30)])
    assert "model_9.pdb and 20 more)" in refused(gzip.compress(many), tmp_path)


def test_an_archive_without_a_structure_is_called_that(tmp_path, pdb):
    """Empty, or of other things; names cannot play tricks on a terminal."""
    assert "is a zip archive without a structure: it is empty" in refused(zipped(), tmp_path)
    assert "is a tar archive without a structure: it is empty" in refused(tarred(), tmp_path)
    said = refused(zipped(README, ("a\x1b[2J.md", b"x")), tmp_path)
    assert "it has README.txt, a?[2J.md" in said


def test_an_encrypted_archive_is_called_that(tmp_path, pdb):
    """The flag of the one file in it set: nothing of it is read."""
    content = bytearray(stored(("a.pdb", pdb)))
    content[6] |= 1
    content[content.rindex(b"PK\x01\x02") + 8] |= 1
    assert "is an encrypted zip archive: unpack it first" in refused(bytes(content), tmp_path)


@pytest.mark.parametrize("pack", [stored, tarred])
def test_a_damaged_archive_is_never_read_as_text(tmp_path, pdb, pack):
    """Cut off, with another byte inside, or without its first header."""
    content = pack(("a.pdb", pdb), ("b.pdb", pdb))
    for damaged in (content[: len(pdb) // 2], content[: len(pdb) + 1000], content[700:]):
        assert " archive " in refused(damaged, tmp_path)
    if pack is stored:
        one = bytearray(stored(("a.pdb", pdb)))
        one[5000] ^= 1
        assert "is a zip archive that is damaged" in refused(bytes(one), tmp_path)


def test_nothing_is_written_and_a_name_leads_nowhere(tmp_path, pdb):
    """A member that would climb out of its folder is read from memory as any other."""
    folder = tmp_path / "here"
    folder.mkdir()
    for pack in (zipped, tarred):
        assert len(read(pack(("../../climbed.pdb", pdb)), folder / "x")) == 76
    link = tarfile.TarInfo("passwd.pdb")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        archive.addfile(link)
    assert "without a structure" in refused(packed.getvalue(), folder)
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["x"]


@pytest.mark.parametrize(
    "pack", [*COMPRESSIONS.values(), lambda c: zipped(("x", c)), lambda c: tarred(("x", c))]
)
def test_the_limit_holds_for_every_way_of_packing(tmp_path, monkeypatch, pdb, pack):
    """What comes out counts, also of a member of an archive."""
    monkeypatch.setattr(unpacking, "MAX_BYTES", 100_000)
    packed = pack(pdb + b"REMARK\n" * 20_000)
    monkeypatch.setattr(unpacking, "MAX_BYTES", max(100_000, len(packed)))
    if len(packed) <= 100_000:
        assert "larger than 100,000 bytes unpacked" in refused(packed, tmp_path)
    monkeypatch.setattr(unpacking, "MAX_BYTES", 100_000)
    assert "larger than 100,000 bytes unpacked" in refused(gzip.compress(packed), tmp_path)


def test_what_is_packed_without_end_is_refused(tmp_path, pdb):
    """Nine times over."""
    for _ in range(9):
        pdb = gzip.compress(pdb, 1)
    assert "packed more than 8 times over" in refused(pdb, tmp_path)


@pytest.mark.parametrize(
    ("start", "what"),
    [
        (b"\x1f\x9d\x90", r"compress (.Z)"),
        (b"7z\xbc\xaf\x27\x1c", "7z archive"),
        (b"Rar!\x1a\x07\x01\0", "rar archive"),
        (b"\x04\x22\x4d\x18", "lz4"),
    ],
)
def test_other_ways_of_packing_are_named(tmp_path, start, what):
    """They are not read, and said to be what they are."""
    said = refused(start + bytes(range(256)) * 4, tmp_path)
    assert what in said
    assert "unpack it first" in said
