"""Train the petri family from a seed on a laptop's processor: `python -m engine.petri.train [--out DIR] [--seed 1]`.

Every size reads the same corpus once, in the same order, so they differ in nothing but size.
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
from torch.optim import AdamW
from torch.optim.lr_scheduler import LambdaLR
from transformers import GPTNeoXConfig, GPTNeoXForCausalLM, PreTrainedTokenizerFast

from engine.petri import CONTEXT, SIZES, VOCABULARY, WEIGHTS
from engine.petri.evaluate import print_table
from engine.petri.grammar import generate, stream
from engine.petri.vocabulary import train_tokenizer

STEPS = 2000
BATCH = 8
"""Sequences of `CONTEXT` tokens in one step."""
WARMUP = 100
LAST_RATE = 0.05
"""Where the learning rate ends, as a share of its peak."""
PEAK_RATES = {"petri-4k": 2e-2, "petri-16k": 2e-2, "petri-60k": 1e-2, "petri-250k": 6e-3, "petri-1m": 3e-3}
REPORT_EVERY = 100

_TOKENIZER_DOCUMENTS = 6000
_JOBS = 2
"""Sizes that train side by side."""
_CHUNK = 2000
"""Documents tokenized at a time."""


def build_corpus(tokenizer: PreTrainedTokenizerFast, seed: int, sequences: int) -> torch.Tensor:
    """Training documents, an end token after each, cut into rows: [sequences, CONTEXT], int64 token ids."""
    wanted = sequences * CONTEXT
    ids: list[int] = []
    documents = stream("train", seed)
    while len(ids) < wanted:
        for encoded in tokenizer([next(documents) for _ in range(_CHUNK)])["input_ids"]:
            ids += [*encoded, tokenizer.eos_token_id]
    return torch.tensor(ids[:wanted]).view(sequences, CONTEXT)


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
        # A quarter, as in Pythia, would leave heads this narrow hardly any sense of position.
        rope_parameters={"rope_type": "default", "rope_theta": 10000.0, "partial_rotary_factor": 0.4},
        initializer_range=0.4 / math.sqrt(size.hidden),
        bos_token_id=0,
        eos_token_id=0,
        pad_token_id=1,
    )
    return GPTNeoXForCausalLM(config)


def train(model: GPTNeoXForCausalLM, corpus: torch.Tensor, peak_rate: float) -> Iterator[float]:
    """Train in place on `corpus`, batch by batch, yielding the loss (nats a token) of each."""
    model.train()
    steps = len(corpus) // BATCH
    optimizer = AdamW(_decay_groups(model), lr=peak_rate, betas=(0.9, 0.98), fused=True)
    schedule = LambdaLR(optimizer, lambda step: _rate_share(step, steps))
    for batch in corpus.view(steps, BATCH, CONTEXT):
        loss = model(input_ids=batch, labels=batch, use_cache=False).loss
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        yield loss.item()


def _decay_groups(model: torch.nn.Module) -> list[dict[str, object]]:
    matrices = [parameter for parameter in model.parameters() if parameter.ndim > 1]
    vectors = [parameter for parameter in model.parameters() if parameter.ndim == 1]
    return [{"params": matrices, "weight_decay": 0.01}, {"params": vectors, "weight_decay": 0.0}]


def _rate_share(step: int, steps: int) -> float:
    """Linear warmup, then a cosine down to `LAST_RATE`, as a share of the peak."""
    warmup = min(WARMUP, steps // 10)
    if step < warmup:
        return (step + 1) / warmup
    done = (step - warmup) / max(1, steps - warmup)
    return LAST_RATE + (1 - LAST_RATE) * 0.5 * (1 + math.cos(math.pi * done))


def save(model: GPTNeoXForCausalLM, tokenizer: PreTrainedTokenizerFast, folder: Path) -> None:
    """Write model and tokenizer to `folder`, each file replaced at once, so that a reader never meets half a file."""
    draft = folder.with_name(f".{folder.name}.draft")
    model.save_pretrained(draft)
    tokenizer.save_pretrained(draft)
    folder.mkdir(parents=True, exist_ok=True)
    for file in draft.iterdir():
        file.replace(folder / file.name)
    shutil.rmtree(draft)


def train_one(name: str, corpus: torch.Tensor, tokenizer: PreTrainedTokenizerFast, out: Path, seed: int) -> None:
    """Train one size on the whole of `corpus` and write it under `out`, reporting the loss on the way."""
    torch.set_num_threads(1)  # The work comes in pieces too small to share, and one thread always adds in one order.
    started = time.perf_counter()
    model = build_model(name, seed)
    steps = len(corpus) // BATCH
    recent: list[float] = []
    for step, loss in enumerate(train(model, corpus, PEAK_RATES[name]), start=1):
        recent.append(loss)
        if step % REPORT_EVERY == 0 or step == steps:
            print(f"{name:<12}step {step:>5}  loss {sum(recent) / len(recent):.4f}", flush=True)
            recent.clear()
    save(model, tokenizer, out / name)
    print(f"{name:<12}trained in {time.perf_counter() - started:.0f} s", flush=True)


def train_family(names: list[str], out: Path, seed: int, steps: int) -> None:
    """Train each of `names` on the same corpus and write it under `out`: two at a time, the largest first."""
    tokenizer = train_tokenizer(generate("train", seed, _TOKENIZER_DOCUMENTS))
    corpus = build_corpus(tokenizer, seed, steps * BATCH)
    print(f"corpus: {corpus.numel():,} tokens, read once by every size", flush=True)
    with ProcessPoolExecutor(_JOBS, mp_context=get_context("spawn")) as pool:
        largest_first = sorted(names, key=lambda name: -SIZES[name].non_embedding)
        for done in [pool.submit(train_one, name, corpus, tokenizer, out, seed) for name in largest_first]:
            done.result()


def main() -> None:
    """Train the bundled models anew, and print how well they predict text they have not seen."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--out", type=Path, default=WEIGHTS, help="where the model folders go")
    parser.add_argument("--sizes", nargs="+", choices=list(SIZES), default=list(SIZES))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--steps", type=int, default=STEPS, help="fewer make a quick, worse family")
    arguments = parser.parse_args()
    started = time.perf_counter()
    train_family(arguments.sizes, arguments.out, arguments.seed, arguments.steps)
    print(f"trained in {time.perf_counter() - started:.0f} s altogether\n")
    print_table(arguments.out, arguments.sizes)


if __name__ == "__main__":
    main()
