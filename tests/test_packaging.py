"""Two commands on a bare machine: what installs is what is declared."""

from __future__ import annotations

import ast
import json
import re
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import distributions, packages_distributions
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
    named = [e for extra in ("lab", "test", "dev", "docs", "peers") for e in extras[extra]]
    for entry in PROJECT["dependencies"] + named:
        requirement = Requirement(entry)
        version = pinned[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(version), (entry, version)


@pytest.mark.slow
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


def test_all_is_every_extra_that_users_want():
    """`all` names the extras themselves: what is added to one of them is in it."""
    extras = PROJECT["optional-dependencies"]
    (everything,) = extras["all"]
    assert Requirement(everything).extras == set(extras) - {
        "all",
        "dev",
        "docs",
        "evaluate",
        "peers",
        "test",
    }


def test_the_javascript_that_is_bundled_has_its_license():
    """Of each package that npm locks for it, and of plotly.js, which saved pages hold."""
    lock = json.loads((ROOT / "package-lock.json").read_text())["packages"]
    text = (ROOT / "LICENSES" / "3Dmol.js.txt").read_text()
    for path, package in lock.items():
        if path and not package.get("dev"):
            name = path.rpartition("node_modules/")[2]
            assert name == "3dmol" or f"== {name} ==" in text
    assert "Plotly" in (ROOT / "LICENSES" / "plotly.js.txt").read_text()
    assert "LICENSES/*" in PROJECT["license-files"]


def test_the_hosted_ci_calls_what_lands_a_change():
    """One list of what has to pass."""
    jobs = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text())["jobs"]
    assert {"run": ".ci/run"} in jobs["all"]["steps"]


def test_make_says_in_a_line_that_no_python_is_in_range(tmp_path):
    """Where PATH has none of 3.11 to 3.13."""
    for name in ("make", "bash", "sh", "uname", "id", "test", "grep"):
        (tmp_path / name).symlink_to(shutil.which(name))
    copied = ("Makefile", "pyproject.toml", "hatch_build.py", "package-lock.json")
    folder = tmp_path / "clone"
    (folder / "constraints").mkdir(parents=True)
    for name in (*copied, "constraints/py311.txt", "constraints/py312.txt"):
        shutil.copy(ROOT / name, folder / name)
    done = subprocess.run(
        [shutil.which("make"), "install"],
        cwd=folder, env={"PATH": str(tmp_path), "HOME": str(tmp_path)}, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    assert done.returncode
    assert done.stdout.strip() == "Python 3.11, 3.12 or 3.13 is needed, and none is on PATH."


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("OSError: [Errno 28] No space left on device", "The disk is full"),
        ("OSError: [Errno 30] Read-only file system: 'x'", "cannot be written to"),
        ("Failed to establish a new connection: [Errno -2]", "No package index can be reached"),
        ("ResolutionImpossible: a and b", "ResolutionImpossible: a and b"),
    ],
)
def test_what_an_installation_lacks_is_said_in_a_line(tmp_path, said, told):
    """By a pip that fails as pip does; what is none of these is told as it was said."""
    python = tmp_path / "python"
    script = f'[ "$1" = -c ] && echo py311 && exit\ncat <<"END" >&2\n{said}\nEND\nexit 1\n'
    python.write_text(f"#!/bin/sh\n{script}")
    python.chmod(0o755)
    command = [ROOT / ".ci" / "install.sh", python, "lab"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert told in done.stderr
    assert len(done.stderr.splitlines()) == 1


# What a user gives (structures of Biopython), what ipywidgets and JupyterLab bring along, and what
# Voilà alone asks for, by a file that it alone imports.
BROUGHT = {"Bio", "IPython", "jupyter_client", "traitlets", "voila"}


@pytest.mark.slow
def test_what_the_package_imports_is_declared():
    """At the top of a file by the dependencies, within functions also by an extra that users take.

    An environment for tests has more than a user's: gemmi was once in the extra `test` alone.
    """
    extras = PROJECT["optional-dependencies"]
    needed = {normal(entry)[0] for entry in PROJECT["dependencies"]}
    wanted = {normal(e)[0] for name in ("app", "atlas", "export", "lab") for e in extras[name]}
    of_module, missing = packages_distributions(), set()
    for path in sorted((ROOT / "esm_explore").rglob("*.py")):
        if "recipes" in path.parts:
            continue
        tree = ast.parse(path.read_text())
        for node in ast.walk(tree):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and not node.level:
                names = [node.module]
            for module in {name.partition(".")[0] for name in names} - {"esm_explore"}:
                if module not in sys.stdlib_module_names and module in of_module:
                    by = {canonicalize_name(name) for name in of_module[module]}
                    allowed = needed if node in tree.body else needed | wanted
                    if not by & allowed and module not in BROUGHT:
                        missing.add((path.name, module))
    assert missing == set()


def test_what_make_quick_does_not_look_at_has_nothing_quick():
    """Files that are named after the browser need one; modules not searched have no examples."""
    for path in (ROOT / "tests").glob("test_browser*.py"):
        assert "\npytestmark = pytest.mark.browser\n" in path.read_text("utf-8"), path
    with (ROOT / "pyproject.toml").open("rb") as file:
        options = tomllib.load(file)["tool"]["pytest"]["ini_options"]["addopts"]
    left_out = [ROOT / each.removeprefix("--ignore=") for each in options if "--ignore=" in each]
    assert left_out
    for path in left_out:
        for module in path.rglob("*.py") if path.is_dir() else [path]:
            assert ">>>" not in module.read_text("utf-8"), module
