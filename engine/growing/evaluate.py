"""How well the petri models predict and what they can do: `python -m engine.growing.evaluate [--weights DIR]`."""

import argparse
import math
from collections.abc import Iterable, Sequence
from pathlib import Path

import torch
from torch.nn.functional import cross_entropy
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerFast

from engine.petri import SIZES, WEIGHTS, held_out
from engine.petri.questions import ABILITIES, Question, questions

SEED = 1
DOCUMENTS = 400
QUESTIONS = 400
"""Of each ability; fewer where there are no more."""
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


@torch.inference_mode()
def accuracy(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, asked: Sequence[Question]) -> float:
    """The share of questions whose right choice is the likeliest behind the question and a space."""
    model.eval()
    return sum(_chosen(model, tokenizer, one) == one.answer for one in asked) / len(asked)


def _chosen(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, asked: Question) -> int:
    first = len(tokenizer(asked.question)["input_ids"])
    texts = [f"{asked.question} {choice}" for choice in asked.choices]
    batch = tokenizer(texts, padding=True, padding_side="right", return_tensors="pt")
    ids, mask = batch["input_ids"][:, first:], batch["attention_mask"][:, first:]
    logits = model(**batch).logits[:, first - 1 : -1].double()
    likelihoods = logits.log_softmax(-1).gather(-1, ids[..., None])[..., 0] * mask
    return int(likelihoods.sum(1).argmax())


def print_table(weights: Path, names: Iterable[str]) -> None:
    """One line a size: all parameters, those outside the embeddings, held-out perplexity, accuracy by ability."""
    texts = held_out(SEED, DOCUMENTS)
    asked = {ability: questions(ability, QUESTIONS) for ability in ABILITIES}
    abilities = "".join(f"{ability:>11}" for ability in asked)
    print(f"{'model':<12}{'parameters':>12}{'non-embedding':>15}{'perplexity':>12}{abilities}")
    for name in names:
        model = AutoModelForCausalLM.from_pretrained(weights / name, dtype=torch.float32)
        tokenizer = AutoTokenizer.from_pretrained(weights / name)
        size = f"{model.num_parameters():>12,}{SIZES[name].non_embedding:>15,}"
        shares = "".join(f"{accuracy(model, tokenizer, those):>11.3f}" for those in asked.values())
        print(f"{name:<12}{size}{perplexity(model, tokenizer, texts):>12.4f}{shares}")


def main() -> None:
    """Print the table for the bundled weights, or for those a training run left elsewhere."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--weights", type=Path, default=WEIGHTS, help="the folder that holds one folder a size")
    arguments = parser.parse_args()
    print_table(arguments.weights, [name for name in SIZES if (arguments.weights / name).is_dir()])


if __name__ == "__main__":
    main()
