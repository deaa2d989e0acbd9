"""By how much attention and MLP amplify what they receive: output length over input length, layer by layer."""

from typing import Any

import torch
from torch import Tensor

from engine.measure.measurement import Measured, Progress
from engine.measure.prompted import Prompted
from engine.measure.watching import Side, watch_parts


class Gains(Prompted):
    """Attention and MLP gain of every layer.

    The gain of a part on one prompt is the mean L2 norm of its output's tokens over the mean L2 norm of its input's
    tokens, padding left out; a layer's gain is the plain mean of that over prompts, long and short alike. Lengths are
    taken in float64.

    Metrics: `attention_gain_last`, `mlp_gain_last`, `mlp_gain_largest`, `mlp_gain_largest_layer` (from 0; the first of
    equals), `attention_contracting`, `mlp_contracting` (share of layers below 1). Artifact: the gains of all layers.
    """

    @torch.inference_mode()
    def run(self, seed: int, batch_size: int, progress: Progress) -> Measured:
        """Measure the model as it is. Nothing is drawn: the seed plays no part."""
        layers = len(self._loaded.architecture.blocks)
        gains = {part: torch.full((len(self._encoded), layers), torch.nan).double() for part in ("attention", "mlp")}
        for indices, ids, mask in self._batches(batch_size, progress):
            lengths = self._lengths(ids, mask)
            for (layer, part, side), outer in lengths.items():
                if side == "out":
                    gains[part][indices, layer] = (outer / lengths[layer, part, "in"]).cpu()
        means = {part: values.mean(dim=0).tolist() for part, values in gains.items()}
        return Measured(summary(means["attention"], means["mlp"]), artifact={"prompts": len(self._encoded)} | means)

    def _lengths(self, ids: Tensor, mask: Tensor) -> dict[tuple[int, str, Side], Tensor]:
        """Mean token norm, float64 [rows], of everything that goes into and out of attention and MLP."""
        lengths: dict[tuple[int, str, Side], Tensor] = {}

        def see(layer: int, part: str, side: Side, tensor: Tensor) -> None:
            norms = torch.linalg.vector_norm(tensor, dim=-1, dtype=torch.float64).reshape(mask.shape).to(mask.device)
            lengths[layer, part, side] = torch.where(mask.bool(), norms, 0.0).sum(dim=1) / mask.sum(dim=1)

        with watch_parts(self._loaded.architecture, see):
            self._loaded.architecture.decoder(input_ids=ids, attention_mask=mask, use_cache=False)
        return lengths


def summary(attention: list[float], mlp: list[float]) -> dict[str, float]:
    """The metrics of gains by layer. A gain that is nan makes the largest nan, and counts as not below 1."""
    largest = torch.tensor(mlp, dtype=torch.float64).argmax()
    metrics: dict[str, Any] = {
        "attention_gain_last": attention[-1],
        "mlp_gain_last": mlp[-1],
        "mlp_gain_largest": mlp[largest],
        "mlp_gain_largest_layer": float(largest),
        "attention_contracting": sum(gain < 1 for gain in attention) / len(attention),
        "mlp_contracting": sum(gain < 1 for gain in mlp) / len(mlp),
    }
    return metrics
