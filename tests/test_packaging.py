"""Two commands on a bare machine: what installs is what is declared."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from importlib.metadata import distributions
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def tracked() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in listed.stdout.splitlines()]


def test_environment_yml_and_pyproject_name_the_same_requirements():
    """Conda spells `py3dmol` in lower case; everything else is letter for letter."""
    declared = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    pip = next(entry["pip"] for entry in declared if isinstance(entry, dict))
    conda = [entry for entry in declared if isinstance(entry, str)]
    assert "python=3.12" in conda
    assert pip[-1] == "-e ."
    named = [*pip[:-1], *(e for e in conda if not e.startswith(("python=", "pip")))]
    expected = PROJECT["dependencies"] + PROJECT["optional-dependencies"]["lab"]
    assert {normal(r) for r in named} == {normal(r) for r in expected}


def normal(requirement: str) -> tuple[str, str]:
    parsed = Requirement(requirement)
    return canonicalize_name(parsed.name), str(parsed.specifier)


@pytest.mark.parametrize("line", ["py311", "py312"])
def test_constraints_are_names_and_versions_that_satisfy_pyproject(line):
    """No addresses, no options; every declared requirement is pinned, torch once."""
    lines = (ROOT / "constraints" / f"{line}.txt").read_text().splitlines()
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9._]+", entry) for entry in lines), lines
    pinned = dict(entry.split("==") for entry in lines)
    pinned = {canonicalize_name(name): version for name, version in pinned.items()}
    assert len(pinned) == len(lines)
    extras = PROJECT["optional-dependencies"]
    for entry in PROJECT["dependencies"] + extras["lab"] + extras["test"]:
        requirement = Requirement(entry)
        version = pinned[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(version), (entry, version)


@pytest.mark.lines
def test_pinned_versions_agree_with_each_other():
    """What each pinned package asks of the others, here, its own lock grants.

    A lock written from an environment where one package was forced in cannot be installed again.
    """
    line = "py311" if sys.version_info < (3, 12) else "py312"
    lines = (ROOT / "constraints" / f"{line}.txt").read_text().split()
    pinned = {canonicalize_name(name): v for name, v in (entry.split("==") for entry in lines)}
    for installed in distributions():
        name = canonicalize_name(installed.name)
        if pinned.get(name) != installed.version.split("+")[0]:
            continue
        for asked in map(Requirement, installed.requires or ()):
            version = pinned.get(canonicalize_name(asked.name))
            if version and (asked.marker is None or asked.marker.evaluate({"extra": ""})):
                assert asked.specifier.contains(version), f"{name} needs {asked}, not {version}"


def test_make_help_lists_every_target():
    """Targets without a description would be missing."""
    phony = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)[1].split()
    shown = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert sorted(re.findall(r"^make (\S+)", shown.stdout, re.MULTILINE)) == sorted(phony)


def test_no_file_names_a_package_registry_or_holds_a_token():
    """Lock files hold names, versions and hashes; tokens come from the environment."""
    forbidden = re.compile(
        r"pythonhosted|pypi\.org|registry\.npmjs|conda\.anaconda|\bhf_[A-Za-z0-9]{20,}"
    )
    for path in tracked():
        if path.suffix not in {".gz", ".xz", ".safetensors", ".png"} and path != Path(__file__):
            found = forbidden.search(path.read_text(errors="ignore"))
            assert not found, (path, found)


def test_the_versions_agree():
    """pyproject.toml, the package and CITATION.cff."""
    import esm_explore

    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert PROJECT["version"] == esm_explore.__version__ == citation["version"]
