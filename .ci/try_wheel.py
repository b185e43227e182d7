"""Try a wheel in environments of its own: try_wheel.py WHEEL [VERSION ...].

For each Python of 3.11, 3.12 and 3.13 that is on the machine: an empty environment, in a folder
outside the checkout, gets the wheel alone (``plain``), then its extras, one after the other, under
the pinned versions. After each step what that step promises is run. A full set takes about 7 GB of
disk for each Python, as the package index has torch with CUDA, and is removed afterwards.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parent.parent
VERSIONS = ("3.11", "3.12", "3.13")
LIMIT = 20_000_000
# Structures that mini was trained on, and what builds or tests need, stay out.
NOT_IN_A_WHEEL = (".npz", ".pdb", ".ent", ".gz.part", ".ipynb", "tests/", "node_modules/")

PLAIN = """
import importlib.util, sys
import esm_explore as ex
assert ex.__file__.startswith(sys.prefix), ex.__file__
assert importlib.util.find_spec("jupyterlab") is None
trace = ex.trace(ex.load_encoder(), ex.read_chain("1ITU", chain_id="B"))
assert list(trace.tokens_with_special()[1:-1]) == list(trace.tokens)
assert len(ex.open_atlas().code(1937).exemplars)
ex.inspect("1AS5").to_html("page.html")
print("plain:", len(trace.tokens), "tokens")
"""
ATLAS = """
import esm_explore as ex
print("atlas:", ex.open_atlas().sql("select count(*) as codes from codes").to_dict("records"))
"""


def find(version: str) -> str | None:
    """Give a Python of this version, from PATH or pyenv."""
    under = Path.home().glob(f".pyenv/versions/{version}.*/bin/python")
    for candidate in (f"python{version}", *map(str, sorted(under))):
        asked = [candidate, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
        if shutil.which(candidate):
            said = subprocess.run(asked, capture_output=True, text=True, check=False).stdout
            if said.strip() == version:
                return candidate
    return None


def look_inside(wheel: Path) -> None:
    """Print what a wheel holds; refuse what does not belong there."""
    with zipfile.ZipFile(wheel) as archive:
        entries = archive.infolist()
    names = [entry.filename for entry in entries]
    for name in names:
        assert not any(mark in name for mark in NOT_IN_A_WHEEL), f"{name} is in {wheel.name}"
    for needed in ("static/3Dmol-min.js", "py.typed", "__init__.pyi", "licenses/LICENSE"):
        assert any(name.endswith(needed) for name in names), f"{needed} is not in {wheel.name}"
    for entry in sorted(entries, key=lambda entry: -entry.file_size)[:8]:
        print(f"  {entry.file_size / 1e6:6.2f} MB  {entry.filename}")
    size = wheel.stat().st_size
    assert size < LIMIT, f"{wheel.name} has {size} bytes; {LIMIT} are allowed"
    print(f"{wheel.name}: {size / 1e6:.1f} MB, {len(names)} files")


def runner(home: Path) -> Callable[..., str]:
    """Give what runs commands away from the checkout and from this environment's settings."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    environment["XDG_CACHE_HOME"] = str(home / "cache")

    def run(*command: str | Path) -> str:
        done = subprocess.run(
            command, cwd=home, env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            sys.exit(f"{' '.join(map(str, command[:4]))} failed:\n{done.stdout}\n{done.stderr}")
        return done.stdout.strip()

    return run


def try_on(version: str, python: str, wheel: Path, folder: Path) -> None:
    """Install the wheel, step by step, and run what each step promises."""
    home, bin_ = folder / "home", folder / "venv" / "bin"
    home.mkdir()
    run = runner(home)
    run(python, "-m", "venv", folder / "venv")
    pins = ROOT / "constraints" / ("py311.txt" if version == "3.11" else "py312.txt")

    def install(what: str) -> None:
        begun = time.monotonic()
        run(bin_ / "python", "-m", "pip", "install", "--quiet", "--constraint", pins, what)
        print(f"  {what.removeprefix(str(wheel)) or 'plain'}: {time.monotonic() - begun:.0f} s")

    # torch first and alone, as .ci/install.sh does.
    install("torch")
    install(str(wheel))
    print("   ", run(bin_ / "python", "-c", PLAIN))
    run(bin_ / "esm-explore", "tokenize", "1ITU", "-o", "tokens.parquet")
    print("    esm-explore tokenize:", (home / "tokens.parquet").stat().st_size, "bytes")
    install(f"{wheel}[atlas]")
    print("   ", run(bin_ / "python", "-c", ATLAS))
    install(f"{wheel}[lab]")
    print("    JupyterLab shows:", shown_in_lab(str(bin_ / "python"), folder, home))
    install(f"{wheel}[all]")
    print("   ", run(bin_ / "python", "-m", "pip", "check"))


def shown_in_lab(python: str, folder: Path, home: Path) -> str:
    """Open a notebook with the inspector in that environment's JupyterLab, in Chromium."""
    sys.path.insert(0, str(ROOT / "tests"))
    from lab import errors_in, lab_page, lab_server, open_chromium, run_notebook, write_notebook

    write_notebook(home / "inspector.ipynb", ["import esm_explore as ex", 'ex.inspect("1ITU")'])
    settings = folder / "settings"
    with (
        lab_server(home, settings, python=python) as address,
        open_chromium() as browser,
        lab_page(browser, address) as page,
    ):
        failed = errors_in(run_notebook(page, "inspector.ipynb"))
        assert not failed, failed
        page.wait_for_selector(".jp-OutputArea-output canvas", timeout=120_000)
        assert not page.left_loopback, page.left_loopback
        return f"{page.locator('.jp-OutputArea-output canvas').count()} canvases"


def main(wheel: Path, versions: list[str]) -> None:
    """Look into the wheel, then try it on each Python that is here; one that is not is named."""
    look_inside(wheel)
    for version in versions:
        if python := find(version):
            print(f"Python {version}:", flush=True)
            with tempfile.TemporaryDirectory(prefix="esm_explore_wheel_") as folder:
                try_on(version, python, wheel.resolve(), Path(folder))
        else:
            print(f"Python {version} is not on this machine: NOT tried.")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:] or list(VERSIONS))
