"""Families of models, one entry a size, and the published shapes of models of the Hub.

A shape is what a model's config.json says about its size; with it the memory that a model needs is known on a host that
cannot reach the Hub.
"""

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from engine.errors import LONGEST_QUOTE, LesionError, quoted
from engine.petri import SIZES


@dataclass(frozen=True)
class PublishedInfo:
    """A model of the Hub: its id, how many parameters it has, and the keys of its config.json that fix its size."""

    name: str
    parameters: int
    shape: dict[str, Any]


@dataclass(frozen=True)
class ModelFamilyInfo:
    """Models of one kind that differ in size. `members`: each one's size, as in "1.4b", and the model's name, smallest
    first."""

    name: str
    summary: str
    members: dict[str, str]

    def matching(self, pattern: str) -> list[str]:
        """The models whose size fits a pattern such as "*" or "1*", smallest first.

        Raises LesionError where none does.
        """
        short = len(pattern) <= LONGEST_QUOTE  # as any that fits a size can be
        fitting = [model for size, model in self.members.items() if short and fnmatchcase(size, pattern)]
        if not fitting:
            raise LesionError(
                f"{quoted(f'{self.name}:{pattern}')} fits no model; {self.name} has: {', '.join(self.members)}"
            )
        return fitting


def _pythia(name: str, parameters: int, layers: int, hidden: int, heads: int, vocabulary: int = 50304) -> PublishedInfo:
    shape = {
        "model_type": "gpt_neox",
        "dtype": "float16",
        "num_hidden_layers": layers,
        "hidden_size": hidden,
        "num_attention_heads": heads,
        "intermediate_size": 4 * hidden,
        "vocab_size": vocabulary,
        "max_position_embeddings": 2048,
        "tie_word_embeddings": False,
    }
    return PublishedInfo(f"EleutherAI/pythia-{name}", parameters, shape)


def _gpt2(name: str, parameters: int, layers: int, hidden: int, heads: int) -> PublishedInfo:
    shape = {
        "model_type": "gpt2",
        "n_layer": layers,
        "n_embd": hidden,
        "n_head": heads,
        "vocab_size": 50257,
        "n_positions": 1024,
    }
    return PublishedInfo(f"openai-community/{name}", parameters, shape)


def _opt(name: str, parameters: int, layers: int, hidden: int, heads: int) -> PublishedInfo:
    shape = {
        "model_type": "opt",
        "dtype": "float16",
        "num_hidden_layers": layers,
        "hidden_size": hidden,
        "word_embed_proj_dim": hidden,
        "num_attention_heads": heads,
        "ffn_dim": 4 * hidden,
        "vocab_size": 50272,
        "max_position_embeddings": 2048,
    }
    return PublishedInfo(f"facebook/opt-{name}", parameters, shape)


_PYTHIA = (
    _pythia("70m", 70_426_624, layers=6, hidden=512, heads=8),
    _pythia("160m", 162_322_944, layers=12, hidden=768, heads=12),
    _pythia("410m", 405_334_016, layers=24, hidden=1024, heads=16),
    _pythia("1b", 1_011_781_632, layers=16, hidden=2048, heads=8),
    _pythia("1.4b", 1_414_647_808, layers=24, hidden=2048, heads=16),
    _pythia("2.8b", 2_775_208_960, layers=32, hidden=2560, heads=32),
    _pythia("6.9b", 6_857_302_016, layers=32, hidden=4096, heads=32, vocabulary=50432),
    _pythia("12b", 11_846_072_320, layers=36, hidden=5120, heads=40, vocabulary=50688),
)

_GPT2 = (
    _gpt2("gpt2", 124_439_808, layers=12, hidden=768, heads=12),
    _gpt2("gpt2-medium", 354_823_168, layers=24, hidden=1024, heads=16),
    _gpt2("gpt2-large", 774_030_080, layers=36, hidden=1280, heads=20),
    _gpt2("gpt2-xl", 1_557_611_200, layers=48, hidden=1600, heads=25),
)

_OPT = (
    _opt("125m", 125_239_296, layers=12, hidden=768, heads=12),
    _opt("1.3b", 1_315_758_080, layers=24, hidden=2048, heads=32),
    _opt("2.7b", 2_651_596_800, layers=32, hidden=2560, heads=32),
    _opt("6.7b", 6_658_473_984, layers=32, hidden=4096, heads=32),
)

_GEMMA_3_4B = PublishedInfo(
    "google/gemma-3-4b-it",
    4_300_079_472,
    {
        "model_type": "gemma3",
        "dtype": "bfloat16",
        "text_config": {
            "model_type": "gemma3_text",
            "num_hidden_layers": 34,
            "hidden_size": 2560,
            "intermediate_size": 10240,
            "num_attention_heads": 8,
            "num_key_value_heads": 4,
            "head_dim": 256,
            "vocab_size": 262208,
            "max_position_embeddings": 131072,
            "sliding_window": 1024,
        },
        "vision_config": {
            "model_type": "siglip_vision_model",
            "num_hidden_layers": 27,
            "hidden_size": 1152,
            "intermediate_size": 4304,
            "num_attention_heads": 16,
            "image_size": 896,
            "patch_size": 14,
            "vision_use_head": False,
        },
    },
)

PUBLISHED = (*_PYTHIA, *_GPT2, *_OPT, _GEMMA_3_4B)

FAMILIES = (
    ModelFamilyInfo("petri", "the bundled models", {name.removeprefix("petri-"): name for name in SIZES}),
    ModelFamilyInfo(
        "pythia",
        "the eight Pythia sizes, trained alike on the same text",
        {info.name.rpartition("pythia-")[2]: info.name for info in _PYTHIA},
    ),
    ModelFamilyInfo(
        "gpt2",
        "the four GPT-2 sizes",
        dict(zip(("small", "medium", "large", "xl"), (i.name for i in _GPT2), strict=True)),
    ),
    ModelFamilyInfo(
        "opt", "four OPT sizes of one layout", {info.name.rpartition("opt-")[2]: info.name for info in _OPT}
    ),
)
