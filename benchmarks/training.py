"""What training costs: a step beside a bare torch loop, and the memory it takes beside what the plan says.

python -m benchmarks.training [--model NAME] [--threads 2] [--rounds 5] [--length 64]
"""

import argparse
from collections.abc import Iterator
from contextlib import ExitStack

import torch
from torch.optim import SGD, AdamW, Optimizer

from benchmarks.measuring import Figure, chosen, extra_memory, heading, memory_line, table
from engine.models.estimate import survey_model
from engine.models.loading import LoadedModel, load
from engine.profile import ModelSpec
from engine.training.options import TrainingOptions
from engine.training.trainer import Example, Trainer, mean_loss
from engine.weights.snapshot import Snapshot

_STEPS = 4
_GROUP = "all"


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--model")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--length", type=int, default=64)
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    name = chosen(asked.model)
    loaded = load(ModelSpec(names=(name,)), name, torch.device("cpu"))
    ids = torch.randint(0, min(len(loaded.tokenizer), 500), (1, asked.length))
    print(f"{name}: steps on {asked.length} tokens, all weights")
    heading(goals=True)
    table(steps(loaded, Example(ids)), asked.rounds, goals=True)
    print(f"\n{'peak over what was resident':<32}{'the plan':<34}")
    for options in (TrainingOptions(), TrainingOptions(optimiser="sgd"), TrainingOptions(trainable="lora")):
        memory(loaded, Example(ids), options.model_copy(update={"length": asked.length}))


def steps(loaded: LoadedModel, example: Example) -> Iterator[Figure]:
    """Steps of ours beside those of all parameters in one optimiser, with plain backward and step."""
    for name, plain in (("sgd", SGD), ("adamw", AdamW)):
        options = TrainingOptions.model_validate({"optimiser": name, "learning_rate": 1e-8})
        with ExitStack() as undo:
            trainer = Trainer(loaded, loaded.architecture.slices(_GROUP), options, 0, undo)
            bare = _Bare(loaded, example, plain(list(trainer.parameters.values()), lr=1e-8, weight_decay=0.0))

            def ours(trainer: Trainer = trainer) -> None:
                with trainer.training():
                    for _ in range(_STEPS):
                        trainer.step(example)

            yield Figure(f"{_STEPS} steps of {name}", f"torch.optim.{plain.__name__}, backward", bare, ours, 1.05)


class _Bare:
    """The loop that anyone would write."""

    def __init__(self, loaded: LoadedModel, example: Example, optimiser: Optimizer) -> None:
        self._model, self._example, self._optimiser = loaded.model, example, optimiser

    def __call__(self) -> None:
        self._model.requires_grad_(True)
        for _ in range(_STEPS):
            self._optimiser.zero_grad()
            loss = mean_loss(self._model, self._example)
            loss.backward()
            self._optimiser.step()
        self._optimiser.zero_grad()
        self._model.requires_grad_(False)


def memory(loaded: LoadedModel, example: Example, options: TrainingOptions) -> None:
    """The snapshot and some steps, beside the plan's figure for both; weights are put back."""
    spec = ModelSpec(names=(loaded.name,))
    plan = survey_model(spec, loaded.name, [(_GROUP, None, None, None)], [], (), [(options.training(), (_GROUP,))])
    kept: list[Snapshot] = []

    def train() -> None:
        slices = loaded.architecture.slices(_GROUP)
        kept.append(Snapshot(slices))
        with ExitStack() as undo:
            trainer = Trainer(loaded, slices, options, 0, undo)
            with trainer.training():
                for _ in range(_STEPS):
                    trainer.step(example)

    taken = extra_memory(train)
    kept[0].restore()
    memory_line(f"{options.trainable}, {options.optimiser}", taken, plan.snapshot_bytes + plan.activation_bytes, "")


if __name__ == "__main__":
    main()
