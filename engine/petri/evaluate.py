"""Held-out perplexity of the petri models: `python -m engine.petri.evaluate [--weights DIR]`."""

import argparse
import math
from collections.abc import Iterable, Sequence
from pathlib import Path

import torch
from torch.nn.functional import cross_entropy
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerFast

from engine.petri import SIZES, WEIGHTS, held_out

SEED = 1
DOCUMENTS = 400
_BATCH = 32


@torch.inference_mode()
def perplexity(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, texts: Sequence[str]) -> float:
    """exp of the mean loss a token over all `texts`: every token but the first of each text counts once."""
    model.eval()
    total, count = 0.0, 0
    for start in range(0, len(texts), _BATCH):
        batch = tokenizer(list(texts[start : start + _BATCH]), padding=True, padding_side="right", return_tensors="pt")
        logits = model(**batch).logits[:, :-1]
        targets = batch["input_ids"][:, 1:].masked_fill(batch["attention_mask"][:, 1:] == 0, -100)
        total += cross_entropy(logits.flatten(0, 1).double(), targets.flatten(), reduction="sum").item()
        count += int((targets != -100).sum())
    return math.exp(total / count)


def print_table(weights: Path, names: Iterable[str]) -> None:
    """One line a size: all parameters, those outside the embeddings, held-out perplexity."""
    texts = held_out(SEED, DOCUMENTS)
    print(f"{'model':<12}{'parameters':>12}{'non-embedding':>15}{'held-out perplexity':>21}")
    for name in names:
        model = AutoModelForCausalLM.from_pretrained(weights / name, dtype=torch.float32)
        tokenizer = AutoTokenizer.from_pretrained(weights / name)
        body = SIZES[name].non_embedding
        print(f"{name:<12}{model.num_parameters():>12,}{body:>15,}{perplexity(model, tokenizer, texts):>21.4f}")


def main() -> None:
    """Print the table for the bundled weights, or for those a training run left elsewhere."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--weights", type=Path, default=WEIGHTS, help="the folder that holds one folder a size")
    arguments = parser.parse_args()
    print_table(arguments.weights, [name for name in SIZES if (arguments.weights / name).is_dir()])


if __name__ == "__main__":
    main()
