"""The methods that train: a treatment, its controls, and healing. They differ in what they train on alone."""

from collections.abc import Iterator
from functools import partial

from engine.methods import Context, Damaged
from engine.training.catalyst import nearest, search
from engine.training.course import Begun, Course, Examples
from engine.training.drawing import Stretches, noise, random_tokens
from engine.training.options import CatalystOptions, HealOptions, NoiseOptions, RandomTextOptions, TrainingOptions
from engine.training.trainer import Example, Trainer


def catalyst(context: Context) -> Iterator[Damaged]:
    """Training on tokens sought for the harm that they do."""
    options = CatalystOptions.of(context.options)

    def begin(trainer: Trainer) -> Begun:
        seed = context.draws.seed
        made = search(context.loaded, list(trainer.parameters.values()), options, seed, context.progress)
        return Begun(_always(Example(made.ids)), {"catalyst": made.record}, {"tokens_moved": float(made.moved)})

    return Course(context, options, begin).walk()


def gaussian_noise(context: Context) -> Iterator[Damaged]:
    """Training to predict, from noise in place of embeddings, the tokens that are nearest to it."""
    options = NoiseOptions.of(context.options)

    def begin(trainer: Trainer) -> Begun:
        drawn = noise(context.loaded, options.length, options.scale, context.draws.seed)
        table = context.loaded.architecture.embedding.weight.detach()  # type: ignore[operator]
        ids = nearest(table, drawn[0].float()).unsqueeze(0)
        return Begun(_always(Example(ids, drawn)), {"tokens": ids[0].tolist()})

    return Course(context, options, begin).walk()


def random_tokens_(context: Context) -> Iterator[Damaged]:
    """Training on random tokens."""
    options = TrainingOptions.of(context.options)

    def begin(trainer: Trainer) -> Begun:
        ids = random_tokens(context.loaded, options.length, context.draws.seed)
        return Begun(_always(Example(ids)), {"tokens": ids[0].tolist()})

    return Course(context, options, begin).walk()


def random_text(context: Context) -> Iterator[Damaged]:
    """Training on one stretch of a text."""
    options = RandomTextOptions.of(context.options)

    def begin(trainer: Trainer) -> Begun:
        ids = _stretches(context, options).at(0)
        return Begun(_always(Example(ids)), {"tokens": ids[0].tolist()})

    return Course(context, options, begin).walk()


def heal(context: Context) -> Iterator[Damaged]:
    """Training on clean text, another stretch of it each step, of a model that is damaged already."""
    options = HealOptions.of(context.options)

    def begin(trainer: Trainer) -> Begun:
        stretches = _stretches(context, options)
        return Begun(lambda number: Example(stretches.at(number)))

    return Course(context, options, begin).walk()


def _always(example: Example) -> Examples:
    return partial(_same, example)


def _same(example: Example, number: int) -> Example:
    return example


def _stretches(context: Context, options: RandomTextOptions) -> Stretches:
    where = (context.folder, context.draws.seed)
    return Stretches(context.loaded, options.text, options.documents, options.length, *where)
