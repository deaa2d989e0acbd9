"""What the plan says of memory: which published models train in full on a GPU of 24 GB, and by what."""

from typing import Any

import pytest

from engine.models.estimate import survey_model
from engine.profile import ModelSpec
from engine.training.options import CatalystOptions, TrainingOptions

ROOM = 24e9 - 2e9
"""Of a GPU of 24 GB, what CUDA and other work leave."""
ALL = ("all", None, None, None)


def need(name: str, options: TrainingOptions) -> Any:
    spec = ModelSpec(names=(name,), dtype="float16")
    return survey_model(spec, name, [ALL], [], (), [(options.training(), ALL)], room=ROOM, on_gpu=True)


@pytest.mark.parametrize(
    ("size", "options"),
    [
        ("1.4b", TrainingOptions(checkpointing=True)),
        ("1.4b", CatalystOptions(checkpointing=True, directions=3)),
        ("2.8b", TrainingOptions(optimiser="adamw8bit", checkpointing=True)),
        ("2.8b", CatalystOptions(optimiser="adamw8bit", checkpointing=True, objective="loss")),
    ],
)
def test_what_trains_in_full_in_24_gb(size: str, options: TrainingOptions) -> None:
    plan = need(f"EleutherAI/pythia-{size}", options)
    assert plan.fits
    assert plan.need_bytes > plan.weights_bytes + plan.snapshot_bytes


def test_what_does_not_is_left_out_with_the_memory_that_it_would_need() -> None:
    plan = need("EleutherAI/pythia-2.8b", TrainingOptions(clip=1.0))
    assert not plan.fits
    assert plan.need_bytes > ROOM


def test_more_state_needs_more() -> None:
    sizes = [
        need("EleutherAI/pythia-410m", TrainingOptions.model_validate(options)).activation_bytes
        for options in ({"trainable": "lora"}, {"optimiser": "sgd"}, {"optimiser": "adamw8bit"}, {}, {"clip": 1.0})
    ]
    assert sizes == sorted(sizes)
