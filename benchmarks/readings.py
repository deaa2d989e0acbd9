"""What is measured on texts: perplexity, gradients and spectra, each with the plain computation beside it."""

import re
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from benchmarks.measuring import Figure, Work
from engine.measure.generation.sampling import Sampler
from engine.measure.perplexity.run import Perplexity
from engine.measure.perplexity.table import PerplexityMeasure
from engine.measure.spectrum.singular import GramSum, summary
from engine.models.loading import LoadedModel
from engine.profile.texts import documents_of
from engine.reading.encoding import encode
from engine.reading.windows import batches, slide
from engine.scores import ScoreSpec, rank
from engine.scores.reading import Reading
from engine.weights.slices import Slice

SHORT = range(5, 41)
"""Tokens of a short text."""

TEXTS = 64
GRADIENT = ScoreSpec("grad_x_weight", documents=2, context=128, batch_size=64)


def bundled(loaded: LoadedModel) -> str:
    """The bundled text that suits the model."""
    return "petri" if loaded.name.startswith("petri") else "english"


def perplexity(loaded: LoadedModel, folder: Path) -> Figure:
    """Short texts in batches of 16 (the default) and one at a time: the same texts, the same metrics, kl among them."""
    path = folder / "short.txt"
    path.write_text("\n\n".join(short_texts(loaded)))

    def measure(batch_size: int) -> Work:
        spec = PerplexityMeasure(text=str(path), batch_size=batch_size)
        measurement = Perplexity(spec, loaded, folder)
        measurement.prepare(batch_size, _quiet)
        return lambda: measurement.run(0, batch_size, _quiet)

    name = f"perplexity of {TEXTS} short texts"
    return Figure(name, "the same, one text at a time", measure(1), measure(16), 0.6, rounds=2)


def short_texts(loaded: LoadedModel) -> list[str]:
    """The first sentences of the bundled text that are short."""
    whole = documents_of(bundled(loaded), 64, Path())
    sentences = [sentence for text in whole for sentence in re.split(r"(?<=[.!?])\s+", text.strip())]
    return [text for text in sentences if len(encode(loaded.tokenizer, text)) in SHORT][:TEXTS]


def sampling(loaded: LoadedModel) -> Figure:
    """The next token of 20 texts, drawn as generation draws it, beside torch's own draw."""
    logits = torch.randn(20, loaded.model.config.get_text_config().vocab_size)
    sampler = Sampler(1, range(20), 0.8)

    def plain() -> Tensor:
        return torch.softmax(logits / 0.8, dim=-1).multinomial(1)

    return Figure("sampling, a token of 20 texts", "softmax and multinomial", plain, lambda: sampler(logits, 0))


def gradients(loaded: LoadedModel, slices: list[Slice], reading: Reading) -> Figure:
    """The hundred weights of largest |gradient x weight| of the whole model, beside the gradients alone."""

    def ranked() -> object:
        return rank(slices, loaded, GRADIENT, 100, largest=True)

    return Figure(
        "grad_x_weight, global top 100", "bare forward and backward", lambda: bare(loaded, reading), ranked, 1.05
    )


def one_text(loaded: LoadedModel, folder: Path) -> ScoreSpec:
    """The gradient of a single text of 64 tokens, in one pass."""
    text = documents_of(bundled(loaded), 1, Path())[0]
    path = folder / "one.txt"
    path.write_text(loaded.tokenizer.decode(encode(loaded.tokenizer, text)[:64], skip_special_tokens=True))
    return replace(GRADIENT, text=str(path), documents=1)


def bare(loaded: LoadedModel, reading: Reading) -> None:
    """The loss and its gradient on all parameters, and nothing else."""
    loaded.model.requires_grad_(True)
    for batch in reading.batches:
        (reading.loss(batch) / reading.tokens).backward()
    loaded.model.zero_grad(set_to_none=True)
    loaded.model.requires_grad_(False)


def effective_rank(loaded: LoadedModel) -> Figure:
    """The spectrum of hidden states as they come, batch by batch, beside the Gram matrix of all of them at once."""
    rows = hidden_states(loaded)
    whole = torch.cat(rows)
    wide = min(whole.shape)

    def plain() -> Tensor:
        doubles = whole.double()
        gram = doubles.T @ doubles if len(whole) > whole.shape[1] else doubles @ doubles.T
        found: Tensor = torch.linalg.eigvalsh(gram)
        return found

    def ours() -> object:
        total = GramSum()
        for some in rows:
            total.add(some)
        return summary(total.singular_values())

    name = f"effective rank, {whole.shape[0]} x {whole.shape[1]}"
    return Figure(name, f"float64 Gram and eigvalsh, {wide}", plain, ours, 1.2)


@torch.inference_mode()
def hidden_states(loaded: LoadedModel) -> list[Tensor]:
    """Outputs of the decoder on the bundled text: float32 [tokens, width] a window, about 2000 tokens in all."""
    texts = documents_of(bundled(loaded), 64, Path())
    context = min(256, loaded.architecture.context)
    windows = [w for text in texts for w in slide(encode(loaded.tokenizer, text), context, context - 1)]
    found: list[Tensor] = []
    for batch in batches(windows, 1):
        ids = torch.tensor([batch[0].tokens], device=loaded.device)
        found.append(loaded.architecture.decoder(input_ids=ids, use_cache=False).last_hidden_state[0].float())
        if sum(map(len, found)) >= 2000:
            break
    return found


def _quiet(done: int, total: int) -> None:
    """No progress is shown."""
