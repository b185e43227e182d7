"""An atlas and a trace belong together if one encoder made both."""

from __future__ import annotations

from esm_explore.encoders.identity import EncoderInfo
from esm_explore.errors import AtlasError


def is_of(encoder: dict, info: EncoderInfo) -> bool:
    """Say whether an atlas, by what its manifest has of its encoder, is of this one."""
    return bool(info.digest) and encoder["digest"] == info.digest


def check_is_of(encoder: dict, info: EncoderInfo) -> None:
    """Refuse what another encoder made.

    Raises
    ------
    AtlasError
        If the atlas is of another encoder.
    """
    if not is_of(encoder, info):
        raise AtlasError(
            f"This atlas is of the encoder {encoder['title']} [{encoder['digest'][:8]}], the trace "
            f"of {info.title} [{info.fingerprint or 'no digest'}]: their latents and codes have "
            "nothing to do with one another. Open, or build, an atlas of the trace's encoder."
        )
