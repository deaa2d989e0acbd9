"""The parameter groups, and the architectures in which they are found."""

from engine.catalog.infos import ArchitectureInfo, GroupInfo

_HEADS = ("layers", "heads")
_EXPERTS = ("layers", "experts")

GROUPS = (
    GroupInfo(
        "attn_only", "the value projections of attention, as in the degradation protocol (the same as attn_v)", _HEADS
    ),
    GroupInfo("mlp_only", "the MLP's matrices: up and down, and the gate where there is one", _EXPERTS),
    GroupInfo("embed_only", "the token embedding", (), packable=False),
    GroupInfo("attn_q", "the query projections of attention", _HEADS),
    GroupInfo("attn_k", "the key projections of attention", _HEADS),
    GroupInfo("attn_v", "the value projections of attention", _HEADS),
    GroupInfo("attn_o", "the output projections of attention", _HEADS),
    GroupInfo("attn_all", "all four projections of attention: query, key, value and output", _HEADS),
    GroupInfo("mlp_gate", "the MLP's gates, where it has them", _EXPERTS),
    GroupInfo("mlp_up", "the MLP's first matrices, from the residual stream (not the gates)", _EXPERTS),
    GroupInfo("mlp_down", "the MLP's last matrices, back to the residual stream", _EXPERTS),
    GroupInfo("router", "what chooses and weighs the experts, in a mixture of experts", _EXPERTS),
    GroupInfo("norms", "the scales of all normalisations", packable=False),
    GroupInfo("matrices", "every matrix of the language model, embeddings too: all but norms and biases"),
    GroupInfo("all", "every parameter of the language model, biases and norms too"),
)

ARCHITECTURES = (
    ArchitectureInfo("neox", "GPT-NeoX, Pythia and the petri models", "engine.models.layouts.neox:NEOX"),
    ArchitectureInfo("gpt2", "GPT-2", "engine.models.layouts.gpt2:GPT2"),
    ArchitectureInfo("bigcode", "GPT-BigCode", "engine.models.layouts.bigcode:BIGCODE"),
    ArchitectureInfo("gptneo", "GPT-Neo", "engine.models.layouts.gptneo:GPTNEO"),
    ArchitectureInfo("gptj", "GPT-J", "engine.models.layouts.gptj:GPTJ"),
    ArchitectureInfo("codegen", "CodeGen", "engine.models.layouts.codegen:CODEGEN"),
    ArchitectureInfo("opt", "OPT", "engine.models.layouts.opt:OPT"),
    ArchitectureInfo("bloom", "BLOOM and Falcon", "engine.models.layouts.bloom:BLOOM"),
    ArchitectureInfo("mpt", "MPT", "engine.models.layouts.mpt:MPT"),
    ArchitectureInfo(
        "llama",
        "Llama, SmolLM, Mistral, Qwen, Gemma, StableLM, OLMo-2, Granite, Cohere and their kin",
        "engine.models.layouts.llama:LLAMA",
    ),
    ArchitectureInfo("moe", "Mixtral and the Qwen mixtures of experts", "engine.models.layouts.moe:MOE"),
    ArchitectureInfo("starcoder2", "StarCoder2", "engine.models.layouts.starcoder2:STARCODER2"),
    ArchitectureInfo("phi", "Phi-1 and Phi-2", "engine.models.layouts.phi:PHI"),
    ArchitectureInfo("phi3", "Phi-3 and Phi-4", "engine.models.layouts.phi3:PHI3"),
)
