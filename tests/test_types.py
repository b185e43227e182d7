"""What tools are told of the public names: types, docstrings, the order of arguments, an end."""

from __future__ import annotations

import importlib
import inspect
import tomllib
import typing
from pathlib import Path

import pytest
from test_house import NAMESPACES

import esm_explore as ex
from esm_explore.deprecation import deprecated

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "esm_explore"


def public() -> dict[str, object]:
    """Every function and class that users call, by the name they type."""
    found = {}
    for namespace in ("", *(f".{name}" for name in NAMESPACES)):
        module = importlib.import_module("esm_explore" + namespace)
        for name in dir(module):
            value = getattr(module, name)
            if not inspect.ismodule(value):
                found[f"ex{namespace}.{name}"] = value
    return found


PUBLIC = public()
CALLED = {
    name: value
    for name, value in PUBLIC.items()
    if not (inspect.isclass(value) and issubclass(value, Exception))
}
# What numpydoc would find fault with and we mean: no "See Also", extended summary or example
# where there is nothing to add, arguments and answers whose type says it all, and "as in `trace`"
# for several of them.
LEFT_OUT = {"ES01", "EX01", "SA01", "PR04", "PR07", "RT03", "RT04", "RT05"}


@pytest.mark.parametrize("name", CALLED)
def test_every_argument_and_answer_is_annotated(name):
    """Also resolvable: what a name in an annotation stands for is there for those who ask."""
    signature = inspect.signature(CALLED[name])
    for parameter in signature.parameters.values():
        assert parameter.annotation is not parameter.empty, parameter
    if not inspect.isclass(CALLED[name]):
        assert signature.return_annotation is not signature.empty


@pytest.mark.parametrize("name", PUBLIC)
def test_docstrings_are_numpydocs(name):
    """Summary, sections in their order, parameters by their names: numpydoc's own checks."""
    validate = pytest.importorskip("numpydoc.validate", reason="needs the dev extra").validate
    path = "esm_explore" + name.removeprefix("ex")
    faults = {code: text for code, text in validate(path)["errors"] if code not in LEFT_OUT}
    assert not faults


@pytest.mark.parametrize("name", CALLED)
def test_the_encoder_stands_before_the_chain_and_switches_are_named(name):
    """`trace(encoder, chain)`: what has to be given, encoder first; True and False never alone."""
    parameters = inspect.signature(CALLED[name]).parameters.values()
    needed = [p.name for p in parameters if p.default is p.empty]
    if "encoder" in needed and {"chain", "chains", "sources", "frames"} & set(needed):
        assert needed[0] == "encoder"
    for parameter in parameters:
        if isinstance(parameter.default, bool):
            assert parameter.kind is parameter.KEYWORD_ONLY, parameter


def test_no_public_module_is_left_out_of_the_type_check():
    """Modules that `__init__.pyi` of a namespace names are clean, and those left out exist."""
    overrides = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["mypy"]["overrides"]
    left_out = {name for entry in overrides for name in entry["module"]}
    for name in left_out:
        assert (ROOT / (name.replace(".", "/") + ".py")).is_file(), name
    public = {value.__module__ for value in PUBLIC.values()}
    assert not public & left_out
    assert (PACKAGE / "py.typed").is_file()


def test_a_name_that_goes_warns_where_it_is_called():
    """With a warning of ours, which Python shows; the answer and the name stay."""

    @deprecated("ex.old", since="0.3", gone="0.4", instead="ex.new")
    def old(number: int) -> int:
        """Double it."""
        return 2 * number

    sentence = r"ex\.old .* since 0\.3 .* 0\.4; use ex\.new"
    with pytest.warns(ex.DeprecatedWarning, match=sentence) as told:
        assert old(2) == 4
    assert told[0].filename == __file__
    assert (old.__name__, old.__doc__) == ("old", "Double it.")
    assert typing.get_type_hints(old) == {"number": int, "return": int}
