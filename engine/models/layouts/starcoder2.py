"""StarCoder2: the attention of Llama, the MLP of GPT-2, stored as [out, in]."""

from typing import Any

from engine.models.layout import Layout, Mlp, at, plain
from engine.models.layouts.llama import attention


def _mlp(block: Any) -> Mlp:
    return plain(block, "mlp.c_fc", "mlp.c_proj", entry="mlp")


STARCODER2 = Layout("starcoder2", at("layers"), attention, _mlp)
