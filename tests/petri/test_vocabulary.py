"""The shared tokenizer, as saved with the weights: any text encodes and comes back unchanged."""

from pathlib import Path

import pytest
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from engine.petri import CONTEXT, PETRI, VOCABULARY, held_out

ODD_TEXTS = (
    "",
    " ",
    "  two  spaces , a tab\tand\r\nlines\n\n",
    "Çà et là, naïveté; Straße — “quotes”…",
    "東京タワー は 333 m",
    "שלום עולם, مرحبا",
    "🙂👩‍👩‍👧‍👦🏴‍☠️",
    "x²+½ ٣ १२",
    "e\u0301 \u200b\ufeff\x00\x7f",
    "def f(x): return x**2  # 1234567890",
)


@pytest.fixture(scope="module")
def tokenizer() -> PreTrainedTokenizerFast:
    return AutoTokenizer.from_pretrained(PETRI["petri-16k"])


@pytest.mark.parametrize("text", ODD_TEXTS)
def test_any_text_comes_back_unchanged(tokenizer: PreTrainedTokenizerFast, text: str) -> None:
    assert tokenizer.decode(tokenizer(text)["input_ids"]) == text


def test_it_is_a_fast_tokenizer_with_its_special_tokens(tokenizer: PreTrainedTokenizerFast) -> None:
    assert isinstance(tokenizer, PreTrainedTokenizerFast)
    assert len(tokenizer) == VOCABULARY
    assert (tokenizer.eos_token_id, tokenizer.pad_token_id) == (0, 1)
    assert tokenizer.model_max_length == CONTEXT
    assert tokenizer.chat_template is None


def test_encoding_adds_nothing(tokenizer: PreTrainedTokenizerFast) -> None:
    assert tokenizer("")["input_ids"] == []
    assert tokenizer.eos_token_id not in tokenizer("the owl hoots .")["input_ids"]


def test_documents_fit_the_context(tokenizer: PreTrainedTokenizerFast) -> None:
    lengths = [len(ids) for ids in tokenizer(held_out(2, 300))["input_ids"]]
    assert min(lengths) >= 60
    assert max(lengths) <= CONTEXT
    assert sorted(lengths)[int(0.95 * len(lengths))] <= 200


def test_all_sizes_share_one_tokenizer() -> None:
    contents = {Path(folder / "tokenizer.json").read_bytes() for folder in PETRI.values()}
    assert len(contents) == 1
