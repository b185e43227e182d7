"""Many neighborhoods through esm's layers, without what a pass computes and throws away.

What is saved, exactly: what block 0 projects its states to is a table of 66 rows, and of the last
block only the query's row is read. The layers are called as they are, so that nothing has to be
made ready; `LeanPass` in tokens/ folds more of them, which is worth it for whole chains.
"""

from __future__ import annotations

import numpy as np
import torch

from esm_explore.encoders.changes import changes
from esm_explore.encoders.codebook import squared_distances, take_nearest
from esm_explore.encoders.inputs import Inputs
from esm_explore.encoders.modes import plain_float32
from esm_explore.encoders.modules import BlockModules, modules_of, relative_position_bins
from esm_explore.experiments.rerunning import BATCH, Setting, run_rows
from esm_explore.tracing.attention import recompute_attention
from esm_explore.tracing.run import as_array

# Query vectors and points are the first and the fourth fifth of a projection; keys need the rest.
_OF_QUERIES = (0, 3)


class ShortPass:
    """An encoder of esm's own layers, on some rows of a chain.

    Parameters
    ----------
    setting : Setting
    inputs : Inputs
        That the rows are of.
    """

    def __init__(self, setting: Setting, inputs: Inputs):
        self._modules = modules_of(setting.encoder)
        self._inputs = inputs
        states = self._modules.positions.weight
        first = self._modules.blocks[0]
        self._table = states, first.projection(first.attention_norm(states))

    @staticmethod
    def is_for(setting: Setting) -> bool:
        """Say whether the encoder is made of esm's own layers, without hooks, and nothing else."""
        return not changes(setting.encoder)

    def latents(self, rows: torch.Tensor) -> torch.Tensor:
        """Encode neighborhoods, shape=(M, K), up to the latent, shape=(M, d_code)."""
        numbers = self._inputs.residue_index[rows]
        bins = relative_position_bins(numbers - numbers[:, :1], self._modules.limit)
        states, projected = (table[bins] for table in self._table)
        return self.go_on(states, rows, 0, projected)

    def go_on(
        self,
        states: torch.Tensor,
        rows: torch.Tensor,
        start: int,
        projected: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Run the blocks from one on, and give the latents, shape=(M, d_code).

        Parameters
        ----------
        states : Tensor, shape=(M, K, d_model)
            Before that block.
        rows : Tensor, shape=(M, K), dtype=int64
        start : int
        projected : Tensor, shape=(M, K, 15 * heads), optional
            What the block projects them to, if that is known.
        """
        blocks = self._modules.blocks
        for number, block in enumerate(blocks[start:], start):
            looking = slice(0, 1) if number == len(blocks) - 1 else slice(None)
            if projected is None:
                projected = project(block, states, looking)
            states = states[:, looking] + block.out_projection(
                self._attended(block, projected, rows, looking)
            )
            states = states + block.feed_forward(states)
            projected = None
        return self._modules.to_latent(states[:, 0])

    def _attended(
        self, block: BlockModules, projected: torch.Tensor, rows: torch.Tensor, looking: slice
    ) -> torch.Tensor:
        frames = self._inputs.affine[0, rows.flatten()]
        return recompute_attention(
            projected,
            frames.rot.tensor.reshape(*rows.shape, 3, 3),
            frames.trans.reshape(*rows.shape, 3),
            self._inputs.has_frame[rows],
            block.scales,
            rows=looking,
        ).attended


def project(block: BlockModules, states: torch.Tensor, looking: slice) -> torch.Tensor:
    """Project states as the block does; queries of those that look, of others zeros."""
    normed = block.attention_norm(states)
    layer = block.projection
    if looking == slice(None):
        return layer(normed)
    width = len(layer.weight) // 5
    out = normed.new_zeros(*states.shape[:2], 5, width)
    for part in range(5):
        some = slice(part * width, (part + 1) * width)
        asked = looking if part in _OF_QUERIES else slice(None)
        out[:, asked, part] = torch.nn.functional.linear(
            normed[:, asked], layer.weight[some], layer.bias[some]
        )
    return out.flatten(2)


def run_short(
    setting: Setting, rows: torch.Tensor, inputs: Inputs | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Give latents and tokens of rows as `run_rows`, sooner where the encoder allows it."""
    inputs = setting.inputs if inputs is None else inputs
    if not ShortPass.is_for(setting):
        return run_rows(setting, rows, inputs)
    with plain_float32(setting.device):
        short = ShortPass(setting, inputs)
        return in_numbers(setting, [short.latents(some) for some in rows.split(BATCH)])


def in_numbers(setting: Setting, latents: list[torch.Tensor]) -> tuple[np.ndarray, np.ndarray]:
    """Give latents, (M, d_code), and their tokens, (M,), as arrays."""
    together = torch.cat(latents)
    codes = modules_of(setting.encoder).codes
    tokens = [take_nearest(squared_distances(codes, some))[0] for some in together.split(1_000)]
    return as_array(together), as_array(torch.cat(tokens)[:, 0])
