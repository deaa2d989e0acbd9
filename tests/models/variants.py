"""Tiny untrained models of every supported family and variant: biases and norms random too, so that nothing that should
show is hidden by a zero or a one."""

from collections.abc import Callable
from copy import deepcopy
from functools import cache
from typing import Any

import torch

from engine.models.architecture import architecture
from engine.models.loading import LoadedModel

VOCABULARY = 64
LAYERS = 2

_SIZES: dict[str, Any] = {
    "vocab_size": VOCABULARY,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": LAYERS,
    "num_attention_heads": 4,
    "max_position_embeddings": 64,
    "pad_token_id": 0,
}
_GROUPED = _SIZES | {"num_key_value_heads": 2}
_WIDE = _GROUPED | {"head_dim": 16}  # heads * head_dim differs from the hidden size
_OLDER: dict[str, Any] = {"vocab_size": VOCABULARY, "n_embd": 32, "n_layer": LAYERS, "n_head": 4, "n_positions": 64}
_EXPERTS = {"num_experts": 5, "num_experts_per_tok": 2, "moe_intermediate_size": 24}
_FALCON = {**_SIZES, "ffn_hidden_size": 48}
_BLOOM = {"vocab_size": VOCABULARY, "hidden_size": 32, "n_layer": LAYERS, "n_head": 4}
_MPT = {"vocab_size": VOCABULARY, "d_model": 32, "n_layers": LAYERS, "n_heads": 4, "max_seq_len": 64}

_CONFIGURED: dict[str, tuple[str, str, dict[str, Any]]] = {
    # variant: (layout, configuration, options)
    "GPT-NeoX": ("neox", "GPTNeoXConfig", _SIZES),
    "GPT-NeoX, one after the other": ("neox", "GPTNeoXConfig", _SIZES | {"use_parallel_residual": False}),
    "GPT-2": ("gpt2", "GPT2Config", _OLDER | {"n_inner": 48}),
    "GPT-Neo": (
        "gptneo",
        "GPTNeoConfig",
        _SIZES | {"num_layers": LAYERS, "num_heads": 4, "attention_types": [[["global", "local"], 1]]},
    ),
    "GPT-J": ("gptj", "GPTJConfig", _OLDER | {"n_inner": 48, "rotary_dim": 4}),
    "CodeGen": ("codegen", "CodeGenConfig", _OLDER | {"n_embd": 64, "n_head": 8, "n_inner": 48, "rotary_dim": 4}),
    "OPT": ("opt", "OPTConfig", _SIZES | {"ffn_dim": 48, "word_embed_proj_dim": 32}),
    "OPT-350m": (
        "opt",
        "OPTConfig",
        _SIZES | {"ffn_dim": 48, "word_embed_proj_dim": 16, "do_layer_norm_before": False},
    ),
    "GPT-BigCode, multi-query": ("bigcode", "GPTBigCodeConfig", _OLDER | {"n_inner": 48, "multi_query": True}),
    "GPT-BigCode, multi-head": ("bigcode", "GPTBigCodeConfig", _OLDER | {"n_inner": 48, "multi_query": False}),
    "StarCoder2": ("starcoder2", "Starcoder2Config", _GROUPED),
    "Llama": ("llama", "LlamaConfig", _GROUPED),
    "Llama, multi-head": ("llama", "LlamaConfig", _SIZES),
    "Llama, tied, with biases": (
        "llama",
        "LlamaConfig",
        _GROUPED | {"tie_word_embeddings": True, "attention_bias": True, "mlp_bias": True},
    ),
    "Mistral": ("llama", "MistralConfig", _WIDE),
    "Mixtral": ("moe", "MixtralConfig", _WIDE | {"num_local_experts": 5}),
    "Qwen2": ("llama", "Qwen2Config", _GROUPED),
    "Qwen2-MoE": ("moe", "Qwen2MoeConfig", _GROUPED | _EXPERTS | {"shared_expert_intermediate_size": 40}),
    "Qwen3": ("llama", "Qwen3Config", _WIDE),
    "Qwen3-MoE": ("moe", "Qwen3MoeConfig", _WIDE | _EXPERTS),
    "Qwen3-MoE, first block dense": ("moe", "Qwen3MoeConfig", _WIDE | _EXPERTS | {"mlp_only_layers": [0]}),
    "Gemma": ("llama", "GemmaConfig", _WIDE),
    "Gemma 2": (
        "llama",
        "Gemma2Config",
        _WIDE | {"final_logit_softcapping": 1.5, "attn_logit_softcapping": 2.0},
    ),
    "Gemma 3": ("llama", "Gemma3TextConfig", _WIDE),
    "Gemma 3, capped": ("llama", "Gemma3TextConfig", _WIDE | {"final_logit_softcapping": 1.5}),
    "Phi": ("phi", "PhiConfig", _GROUPED),
    "Phi-3": ("phi3", "Phi3Config", _GROUPED),
    "Falcon, grouped": ("bloom", "FalconConfig", _FALCON | {"new_decoder_architecture": True, "num_kv_heads": 2}),
    "Falcon, multi-query": ("bloom", "FalconConfig", _FALCON | {"multi_query": True}),
    "Falcon, multi-head": (
        "bloom",
        "FalconConfig",
        _FALCON | {"multi_query": False, "parallel_attn": False, "bias": True},
    ),
    "Falcon, multi-head, alibi": (
        "bloom",
        "FalconConfig",
        _FALCON | {"multi_query": False, "parallel_attn": False, "bias": True, "alibi": True},
    ),
    "BLOOM": ("bloom", "BloomConfig", _BLOOM),
    "MPT": ("mpt", "MptConfig", _MPT),
    "StableLM": ("llama", "StableLmConfig", _GROUPED | {"use_qkv_bias": True}),
    "StableLM, side by side": (
        "llama",
        "StableLmConfig",
        _GROUPED | {"use_qkv_bias": True, "use_parallel_residual": True, "qk_layernorm": True},
    ),
    "OLMo-2": ("llama", "Olmo2Config", _GROUPED),
    "SmolLM3": ("llama", "SmolLM3Config", _GROUPED),
    "Cohere": ("llama", "CohereConfig", _GROUPED | {"logit_scale": 0.25}),
    "Cohere 2": ("llama", "Cohere2Config", _GROUPED | {"logit_scale": 3.0}),
    "Granite": ("llama", "GraniteConfig", _GROUPED | {"residual_multiplier": 0.5, "logits_scaling": 2.0}),
}

VARIANTS = [*_CONFIGURED, "Gemma 3 with images"]


def layout(variant: str) -> str:
    """The name of the variant's layout in the catalog."""
    return _CONFIGURED[variant][0] if variant in _CONFIGURED else "llama"


def build(variant: str, layers: int = LAYERS) -> Any:
    """A model of its own for the caller to damage, the same every time, in eval mode. `layers` is even."""
    return deepcopy(_built(variant, layers))


def opened(variant: str) -> LoadedModel:
    """The variant as it would be loaded, with a tokenizer for small letters and spaces, a token each."""
    from tokenizers import Regex, Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    model = build(variant).eval().requires_grad_(False)
    letters = {letter: index + 3 for index, letter in enumerate("abcdefghijklmnopqrstuvwxyz ")}
    tokenizer = Tokenizer(models.WordLevel(letters, unk_token="a"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex("."), "isolated")
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="z")
    return LoadedModel(variant, model, fast, architecture(model), torch.device("cpu"), torch.float32, None, "no digest")


def randomise(model: Any, seed: int = 0) -> Any:
    """The model with every parameter drawn from a normal distribution, without gradients, in eval mode."""
    generator = torch.Generator().manual_seed(seed)
    for parameter in model.requires_grad_(False).parameters():
        scale = 1.0 if parameter.dim() == 1 else 0.2
        parameter.copy_(torch.randn(parameter.shape, generator=generator) * scale)
    return model.eval()


@cache
def _built(variant: str, layers: int) -> Any:
    from transformers import AutoModelForCausalLM

    return randomise(AutoModelForCausalLM.from_config(_configuration(variant, layers)))


def _configuration(variant: str, layers: int) -> Any:
    import transformers

    if variant in _CONFIGURED:
        _, name, options = _CONFIGURED[variant]
        build: Callable[..., Any] = getattr(transformers, name)
        return build(**_deep(options, layers))
    text = transformers.Gemma3TextConfig(**_deep(_WIDE, layers))
    vision = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    return transformers.Gemma3Config(
        text_config=text.to_dict(), vision_config=vision | {"image_size": 28, "patch_size": 14}, mm_tokens_per_image=4
    )


def _deep(options: dict[str, Any], layers: int) -> dict[str, Any]:
    """The options of a model with so many layers."""
    names = {"num_hidden_layers", "n_layer", "n_layers", "num_layers"} & options.keys()
    kinds = {"attention_types": [[["global", "local"], layers // 2]]} if "attention_types" in options else {}
    return options | dict.fromkeys(names, layers) | kinds
