"""The options of Lesion's own methods."""

from typing import Literal

from pydantic import Field

from engine.profile.options import OptionsTable


class QuantisationOptions(OptionsTable):
    """Of uni_quant and uni_quant_lineal."""

    bounds: Literal["asymmetric", "symmetric"] = Field(
        "asymmetric", description="what is divided: from the smallest weight to the largest, or as far below 0 as above"
    )
    per: Literal["tensor", "channel"] = Field(
        "tensor", description="whose range: the slice's, or each output channel's own"
    )


class PruneOptions(OptionsTable):
    """Of magnitude_prune."""

    scope: Literal["per_tensor", "per_layer", "global"] = Field(
        "per_tensor", description="among which weights the smallest are sought"
    )


class BitOptions(OptionsTable):
    """Of bit_flip and bit_flips."""

    bit: Literal["any", "sign", "exponent", "mantissa"] = Field(
        "any", description="which bits may flip, each as likely"
    )


class ShuffleOptions(OptionsTable):
    """Of shuffle."""

    within: Literal["all", "rows", "columns"] = Field(
        "all",
        description="where a weight may go: anywhere in its slice, among its output's weights, or among its input's",
    )
