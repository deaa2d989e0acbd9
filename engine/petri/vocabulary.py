"""The tokenizer that all petri models share: byte-level BPE, so any text can be encoded and comes back unchanged."""

from collections.abc import Iterable

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from engine.petri import CONTEXT, VOCABULARY

END = "<|end|>"
"""Stands between documents in training, so that generation ends by itself."""
PAD = "<|pad|>"


def train_tokenizer(texts: Iterable[str]) -> PreTrainedTokenizerFast:
    """A tokenizer of `VOCABULARY` entries learnt from `texts`: END is 0, PAD is 1, then the 256 bytes, then merges.

    Digits stay single tokens, which leaves sums in digits something to be worked out rather than looked up.
    """
    bpe = Tokenizer(models.BPE())
    bytes_of_text = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), bytes_of_text])
    bpe.decoder = decoders.ByteLevel()
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY, special_tokens=[END, PAD], initial_alphabet=alphabet, show_progress=False
    )
    bpe.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=bpe, bos_token=END, eos_token=END, pad_token=PAD, model_max_length=CONTEXT
    )
