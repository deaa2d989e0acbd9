"""By how much the blocks amplify the residual stream at a prompt's last token, and the density of the model's heads."""

from typing import Any

import torch
from torch import Tensor

from engine.measure.measurement import Measured, Progress
from engine.measure.prompted import Prompted
from engine.measure.watching import Side, watch_blocks


class ResidualGain(Prompted):
    """Ratios of the residual stream's L2 norm behind a block to that before it, at the last token of each prompt.

    Metrics, each a mean over prompts, with `_std` the population standard deviation: `residual_gain`, the last block's
    own output over its input, no final norm between; `residual_gain_normed`, the model's final hidden state over the
    last block's input, so block and final norm together; `residual_gain_before_last`, the block before the last, which
    published sweeps give as "the last layer without the norm" (nan for a model of one block). `rho`: attention heads
    over the size of a head. `dampening`: 1 where `residual_gain` is below 1, else 0; nan where that is nan.

    Artifact: `gains` and `gains_std` by layer, and `by_prompt`, the gains [prompts][layers].
    """

    @torch.inference_mode()
    def run(self, seed: int, batch_size: int, progress: Progress) -> Measured:
        """Measure the model as it is. Nothing is drawn: the seed plays no part."""
        layers = len(self._loaded.architecture.blocks)
        norms = torch.full((len(self._encoded), layers + 2), torch.nan, dtype=torch.float64)
        for indices, ids, mask in self._batches(batch_size, progress):
            norms[indices] = self._norms(ids, mask)
        gains = norms[:, 1 : layers + 1] / norms[:, :layers]
        normed = norms[:, layers + 1] / norms[:, layers - 1]
        before = gains[:, -2] if layers > 1 else torch.full_like(normed, torch.nan)
        metrics = _mean_and_spread("residual_gain", gains[:, -1])
        metrics |= _mean_and_spread("residual_gain_normed", normed)
        metrics |= _mean_and_spread("residual_gain_before_last", before)
        last = metrics["residual_gain"]
        metrics |= {
            "rho": head_density(self._loaded.model.config),
            "dampening": float(last < 1) if last == last else last,
        }
        artifact = {"gains": gains.mean(dim=0).tolist(), "gains_std": gains.std(dim=0, correction=0).tolist()}
        return Measured(metrics, artifact=artifact | {"by_prompt": gains.tolist()})

    def _norms(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Norms at the last token, float64 [rows, blocks + 2]: each block's input, the last one's output, and that
        after the final norm."""
        parts = self._loaded.architecture
        last = mask.sum(dim=1) - 1
        norms: dict[tuple[int, Side], Tensor] = {}

        def norm(hidden: Tensor) -> Tensor:
            ends = hidden[torch.arange(len(ids), device=hidden.device), last.to(hidden.device)]
            lengths: Tensor = torch.linalg.vector_norm(ends, dim=-1, dtype=torch.float64)
            return lengths.cpu()

        def see(layer: int, part: str, side: Side, hidden: Tensor) -> None:
            norms[layer, side] = norm(hidden)

        depth = len(parts.blocks)
        with watch_blocks(parts, range(depth), see):
            output = parts.decoder(input_ids=ids, attention_mask=mask, use_cache=False)
        stream = [norms[layer, "in"] for layer in range(depth)] + [norms[depth - 1, "out"]]
        return torch.stack([*stream, norm(output.last_hidden_state)], dim=1)


def head_density(config: Any) -> float:
    """rho: the number of query heads of a layer over the size of a head, from a model's configuration."""
    text = config.get_text_config()
    heads = text.num_attention_heads
    size = getattr(text, "head_dim", None) or text.hidden_size // heads
    return float(heads / size)


def _mean_and_spread(name: str, values: Tensor) -> dict[str, float]:
    return {name: float(values.mean()), f"{name}_std": float(values.std(correction=0))}
