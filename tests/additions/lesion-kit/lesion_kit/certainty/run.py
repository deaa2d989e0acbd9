"""The measurement, where torch may be imported."""

from pathlib import Path

import torch

from engine.measure.measurement import Measured, Measurement, Progress
from engine.models.loading import LoadedModel
from engine.profile.texts import prompts
from lesion_kit.certainty.table import CertaintyTable


class Certainty(Measurement):
    """The probability of the likeliest next token."""

    def __init__(self, spec: CertaintyTable, loaded: LoadedModel, folder: Path) -> None:
        self.notes = []
        self._spec, self._loaded = spec, loaded
        self._prompts = prompts(spec, folder)
        own = set((folder / spec.words).read_text("utf-8").split()) if spec.words else None
        vocabulary = range(len(loaded.tokenizer))
        self._ids = [i for i in vocabulary if own is None or loaded.tokenizer.decode([i]).strip() in own]

    @torch.inference_mode()
    def run(self, seed: int, batch_size: int, progress: Progress) -> Measured:
        found = []
        for text in self._prompts:
            ids = self._loaded.tokenizer(text, return_tensors="pt").input_ids.to(self._loaded.device)
            logits = self._loaded.model(input_ids=ids).logits[0, -1].double()
            found.append(float(logits.softmax(0)[self._ids].max()) ** self._spec.power)
        return Measured({"top_probability": sum(found) / len(found)}, artifact={"by_prompt": found})
