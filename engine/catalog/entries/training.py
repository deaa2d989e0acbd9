"""The methods that train: a treatment, its controls and healing, with one table of options in common."""

from engine.catalog.infos import MethodInfo, MetricInfo
from engine.catalog.levels import LevelInfo

_STEPS = LevelInfo("n", "optimiser steps", low=0.0, high=1e6, integer=True, neutral=0.0)
_METRICS = (
    MetricInfo("train_loss", "loss on what was trained on, before the last step", "nats/token", "lower"),
    MetricInfo("gradient_norm", "length of the last step's gradient", "", None, log=True),
    MetricInfo("weight_distance", "length of the change of all weights", "", None, log=True, from_baseline=True),
    MetricInfo("trained_steps", "steps taken, fewer than asked for where training ended early", "", None),
    MetricInfo("rank_reduction", "effective rank lost; below 0 it rose", "%", None, from_baseline=True),
    MetricInfo("perplexity_increase", "of a held-out text; below 0 it fell", "%", "lower", from_baseline=True),
    MetricInfo("log10_perplexity", "of the same text, for what overflows", "", "lower"),
    MetricInfo("tokens_moved", "tokens that a search made others; at 0 it is the control random_tokens", "", None),
)


def _training(name: str, summary: str, options: str, attribute: str = "") -> MethodInfo:
    return MethodInfo(
        name,
        summary,
        _STEPS,
        draws=True,
        implementation=f"engine.training.methods:{attribute or name}",
        options=f"engine.training.options:{options}",
        acts_on="model",
        elementwise=False,
        walks=True,
        metrics=_METRICS,
    )


TRAINING = (
    _training("catalyst", "training on tokens sought for the harm that they do", "CatalystOptions"),
    _training("gaussian_noise", "the same on noise in place of embeddings: a control", "NoiseOptions"),
    _training("random_tokens", "the same on random tokens: a control", "TrainingOptions", "random_tokens_"),
    _training("random_text", "the same on a stretch of text: a control", "RandomTextOptions"),
    _training("heal", "training on clean text after damage, another stretch each step", "HealOptions"),
)
