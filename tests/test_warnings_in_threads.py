"""What reading warns of is not lost where other threads do something else."""

from __future__ import annotations

import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import esm_explore as ex
from esm_explore.errors import heard, warn


@pytest.mark.slow
def test_200_warnings_of_8_threads_all_appear(toy_encoder, ubiquitin):
    """Chains are read in the midst of the doctor's reports, which keep theirs to themselves."""
    numbers = np.arange(76) * 2  # so that the doctor traces a second time
    gapped = ubiquitin[np.arange(76)]
    gapped.residue_index[:] = numbers
    ex.doctor(gapped, toy_encoder)  # what is set once, at import, is set

    def read(i):
        if i % 4 == 0:
            ex.doctor(gapped, toy_encoder)
        warn(f"the {i}th")

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        before = list(warnings.filters)
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(read, range(200)))
        assert warnings.filters == before
    said = {str(warning.message) for warning in caught if warning.category is ex.ChainWarning}
    assert said == {f"the {i}th" for i in range(200)}


def test_what_is_heard_is_of_one_thread():
    """Another thread's warning is issued meanwhile; nested, the inner one hears."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with heard() as outer, ThreadPoolExecutor(1) as pool:
            warn("mine")
            pool.submit(warn, "another's").result()
            with heard() as inner:
                warn("within")
        warn("after")
    assert (outer, inner) == (["mine"], ["within"])
    assert [str(warning.message) for warning in caught] == ["another's", "after"]
