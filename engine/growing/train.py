"""Train the petri family from a seed on a laptop's processor: `python -m engine.growing.train [--out DIR] [--seed 1]`.

Every size reads the same corpus from its beginning, in the same order, as far as its own number of steps goes.
"""

import argparse
import math
import shutil
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import torch
from torch.multiprocessing import get_context
from torch.nn.functional import cross_entropy
from torch.optim import AdamW
from transformers import GPTNeoXConfig, GPTNeoXForCausalLM, PreTrainedTokenizerFast

from engine.growing.evaluate import print_table
from engine.growing.muon import Muon
from engine.petri import CONTEXT, SIZES, VOCABULARY, WEIGHTS
from engine.petri.corpus import IGNORED, Rows, build_rows
from engine.petri.grammar import generate
from engine.petri.vocabulary import train_tokenizer

BATCH = 8
"""Rows of `CONTEXT` tokens in one step."""
STEPS = {"petri-4k": 8000, "petri-16k": 2400, "petri-60k": 2000, "petri-250k": 2800, "petri-1m": 6000}
"""Each size's own: what a size has read, not only how large it is, makes the steps from size to size alike."""
WARMUP = 100
MATRIX_RATE = 0.02
"""Muon's peak rate, for the matrices of the blocks."""
PEAK_RATES = {"petri-4k": 2e-2, "petri-16k": 3e-2, "petri-60k": 1e-2, "petri-250k": 6e-3, "petri-1m": 3e-3}
"""AdamW's, for the embeddings, the output head and all vectors."""
REPORT_EVERY = 100

_TOKENIZER_DOCUMENTS = 6000
_JOBS = 2
"""Sizes that train side by side."""


def build_model(name: str, seed: int) -> GPTNeoXForCausalLM:
    """An untrained model of one of the `SIZES`, its weights drawn from `seed`."""
    size = SIZES[name]
    torch.manual_seed(seed)
    config = GPTNeoXConfig(
        vocab_size=VOCABULARY,
        hidden_size=size.hidden,
        num_hidden_layers=size.layers,
        num_attention_heads=size.heads,
        intermediate_size=4 * size.hidden,
        max_position_embeddings=CONTEXT,
        # A quarter of the head and base 10,000, as in Pythia, leave heads this narrow hardly any sense of position.
        rope_parameters={"rope_type": "default", "rope_theta": 100.0, "partial_rotary_factor": 1.0},
        initializer_range=0.4 / math.sqrt(size.hidden),
        bos_token_id=0,
        eos_token_id=0,
        pad_token_id=1,
    )
    return GPTNeoXForCausalLM(config)


def train(model: GPTNeoXForCausalLM, rows: Rows, peak_rate: float) -> Iterator[float]:
    """Train in place on `rows`, batch by batch, yielding the loss (nats a token) of each."""
    model.train()
    steps = len(rows) // BATCH
    matrices = [weight for name, weight in model.named_parameters() if weight.ndim == 2 and ".layers." in name]
    others = [weight for name, weight in model.named_parameters() if weight.ndim == 1 or ".layers." not in name]
    muon, adam = Muon(matrices), AdamW(others, betas=(0.9, 0.98), weight_decay=0.0, fused=True)
    for step in range(steps):
        loss = _loss(model, rows[step * BATCH : (step + 1) * BATCH])
        model.zero_grad()
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(others, 1.0)
        share = _rate_share(step, steps)
        adam.param_groups[0]["lr"] = peak_rate * share
        adam.step()
        muon.step(MATRIX_RATE * share)
        yield loss.item()


def _loss(model: GPTNeoXForCausalLM, rows: Rows) -> torch.Tensor:
    """Mean cross-entropy over all that is to be predicted."""
    output = model(input_ids=rows.ids, position_ids=rows.positions, attention_mask=rows.mask(), use_cache=False)
    return cross_entropy(output.logits.flatten(0, 1), rows.labels.flatten(), ignore_index=IGNORED)


def _rate_share(step: int, steps: int) -> float:
    """Linear warmup, and straight down to zero all the while, as a share of the peak."""
    warmup = min(WARMUP, steps // 10)
    return min(1.0, (step + 1) / warmup if warmup else 1.0) * (1 - step / steps)


def save(model: GPTNeoXForCausalLM, tokenizer: PreTrainedTokenizerFast, folder: Path) -> None:
    """Write model and tokenizer to `folder`, each file replaced at once, so that a reader never meets half a file."""
    draft = folder.with_name(f".{folder.name}.draft")
    model.save_pretrained(draft)
    tokenizer.save_pretrained(draft)
    folder.mkdir(parents=True, exist_ok=True)
    for file in draft.iterdir():
        file.replace(folder / file.name)
    shutil.rmtree(draft)


def train_one(name: str, rows: Rows, tokenizer: PreTrainedTokenizerFast, out: Path, seed: int) -> None:
    """Train one size on all of `rows` and write it under `out`, reporting the loss on the way."""
    torch.set_num_threads(1)  # The work comes in pieces too small to share, and one thread always adds in one order.
    started = time.perf_counter()
    model = build_model(name, seed)
    steps = len(rows) // BATCH
    recent: list[float] = []
    for step, loss in enumerate(train(model, rows, PEAK_RATES[name]), start=1):
        recent.append(loss)
        if step % REPORT_EVERY == 0 or step == steps:
            print(f"{name:<12}step {step:>5}  loss {sum(recent) / len(recent):.4f}", flush=True)
            recent.clear()
    save(model, tokenizer, out / name)
    print(f"{name:<12}trained in {time.perf_counter() - started:.0f} s", flush=True)


def train_family(steps: dict[str, int], out: Path, seed: int) -> None:
    """Train each of the sizes in `steps` for its number of steps and write it under `out`: two at a time, the largest
    first."""
    tokenizer = train_tokenizer(generate("train", seed, _TOKENIZER_DOCUMENTS))
    rows = build_rows(tokenizer, seed, max(steps.values()) * BATCH)
    print(f"corpus: {int((rows.labels != IGNORED).sum()):,} tokens to predict", flush=True)
    with ProcessPoolExecutor(_JOBS, mp_context=get_context("spawn")) as pool:
        largest_first = sorted(steps, key=lambda name: -SIZES[name].non_embedding)
        for done in [
            pool.submit(train_one, name, rows[: steps[name] * BATCH], tokenizer, out, seed) for name in largest_first
        ]:
            done.result()


def main() -> None:
    """Train the bundled models anew, and print how well they predict text they have not seen."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--out", type=Path, default=WEIGHTS, help="where the model folders go")
    parser.add_argument("--sizes", nargs="+", choices=list(SIZES), default=list(SIZES))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--steps", type=int, help="for every size the same; fewer make a quick, worse family")
    arguments = parser.parse_args()
    started = time.perf_counter()
    train_family({name: arguments.steps or STEPS[name] for name in arguments.sizes}, arguments.out, arguments.seed)
    print(f"trained in {time.perf_counter() - started:.0f} s altogether\n")
    print_table(arguments.out, arguments.sizes)


if __name__ == "__main__":
    main()
