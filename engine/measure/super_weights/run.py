"""Super weights: single weights that make an activation spike, found in one forward pass and tried by zeroing them."""

from pathlib import Path
from typing import Any

import torch

from engine.measure.measurement import Measured, Measurement, Progress, Sheet
from engine.measure.super_weights.table import SuperWeightsMeasure
from engine.models.loading import LoadedModel
from engine.profile.texts import documents
from engine.scores import ScoreSpec
from engine.scores.spikes import Confirmation, Spike, confirm, height, spikes, super_weights


class SuperWeights(Measurement):
    """The weights of the MLPs' last matrices that make a spike by themselves, and the loss without each of them.

    A spike is the largest output of a layer's last MLP matrix on the prompt. It counts as made by a super weight where
    it is `times` the median of all layers' or more, and `share` of it or more comes from one weight.

    The median of an even number of layers is the mean of the two in the middle.

    Metrics: `super_weights` (how many there are) and `spike` (the largest layer's spike over the median; inf or nan
    where that is 0); where there is a super weight, of the one with the largest spike, in nats/token, `super_nll` (the
    loss of the model as it is), `super_nll_without` (with that weight zeroed) and `super_nll_control` (with the largest
    other weight of its matrix zeroed instead). Artifact: `coordinates`, as `select.coordinates` takes them, and the
    spikes of all layers. Table: the super weights that were tried, largest spike first, `most` of them.

    Raises:
        LesionError: the text cannot be read. `run` raises it for a model whose experts have no single last matrix.
    """

    def __init__(self, spec: SuperWeightsMeasure, loaded: LoadedModel, folder: Path) -> None:
        self.notes: list[str] = []
        self._spec, self._loaded, self._folder = spec, loaded, folder
        self._prompt = spec.prompt or documents(spec, folder)[0]
        self._found: tuple[int, Measured] | None = None

    def run(self, seed: int, batch_size: int, progress: Progress) -> Measured:
        """Measure the model as it is; weights that are zeroed are put back. The seed plays no part; of baselines, which
        are equal, one is measured."""
        if self._found is None or self._found[0] != batch_size or self._spec.trials == "all":
            self._found = batch_size, self._measure(batch_size, progress)
        return self._found[1]

    @torch.inference_mode()
    def _measure(self, batch_size: int, progress: Progress) -> Measured:
        spec = self._spec
        progress(0, 2)
        seen = spikes(self._loaded, self._prompt)
        candidates = super_weights(seen, times=spec.times, share=spec.share)
        progress(1, 2)
        how = {"text": spec.text, "documents": spec.documents or 1, "context": spec.context}
        loss = ScoreSpec("magnitude", batch_size=batch_size, folder=self._folder, **how)  # type: ignore[arg-type]
        tried = confirm(self._loaded, candidates[: spec.most], loss) if candidates else []
        metrics = {"super_weights": float(len(candidates)), "spike": height(seen)}
        if tried:
            losses = {"": tried[0].nll, "_without": tried[0].nll_without, "_control": tried[0].nll_control}
            metrics |= {f"super_nll{name}": value for name, value in losses.items()}
        artifact = {"prompt": self._prompt, "coordinates": [_coordinate(spike) for spike in candidates]}
        return Measured(
            metrics, artifact=artifact | {"spikes": [vars(spike) for spike in seen]}, tables={"": _sheet(tried)}
        )


def _coordinate(spike: Spike) -> list[str | int]:
    return [spike.parameter, *spike.index]


def _sheet(tried: list[Confirmation]) -> Sheet:
    columns = (
        "layer",
        "parameter",
        "indices",
        "weight",
        "input",
        "output",
        "share",
        "nll",
        "nll_without",
        "nll_control",
    )
    rows: list[tuple[Any, ...]] = []
    for one in tried:
        spike = one.spike
        indices = f"({', '.join(map(str, spike.index))})"
        seen = (spike.layer, spike.parameter, indices, spike.weight, spike.input, spike.output, spike.share)
        rows.append((*seen, one.nll, one.nll_without, one.nll_control))
    return Sheet(columns, rows)
