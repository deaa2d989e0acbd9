"""Which module multiplies its input by a parameter, and which way round the parameter is stored."""

from dataclasses import dataclass
from typing import Any

from torch.nn import Linear, Module, Parameter
from transformers.pytorch_utils import Conv1D


@dataclass(frozen=True)
class Owner:
    """`inputs` is the dimension of the weight [out, in] or, transposed, [in, out] that runs over input channels: of a
    packed weight, as the ordinary model has it."""

    module: Module
    inputs: int

    def entry(self, out_channel: int, in_channel: int) -> tuple[int, int]:
        """The weight's indices for one output and one input channel."""
        return (out_channel, in_channel) if self.inputs == 1 else (in_channel, out_channel)


def owners(model: Any, parameters: dict[str, Parameter]) -> dict[str, Owner]:
    """The linear layer whose weight a parameter is; one that is no such weight, or is used elsewhere too, is absent."""
    names = {id(model.get_parameter(name)): name for name in parameters}
    uses: dict[str, list[Owner | None]] = {}
    for module in model.modules():
        for local, parameter in module.named_parameters(recurse=False, remove_duplicate=False):
            if id(parameter) in names:
                uses.setdefault(names[id(parameter)], []).append(_owner(module, local))
    return {name: those[0] for name, those in uses.items() if len(those) == 1 and those[0] is not None}


def _owner(module: Module, local: str) -> Owner | None:
    if local != "weight":
        return None
    if isinstance(module, Linear):
        return Owner(module, 0 if getattr(module, "source_cls", None) is Conv1D else 1)
    return Owner(module, 0) if isinstance(module, Conv1D) else None
