"""The measurement residual_gain: by how much a block amplifies the residual stream at the last token."""

from engine.catalog.infos import MeasurementInfo, MetricInfo

INFO = MeasurementInfo(
    "residual_gain",
    "by how much a block amplifies the residual stream at the last token",
    (
        MetricInfo("residual_gain", "last block, output over input, without the final norm", "×", None),
        MetricInfo("residual_gain_std", "standard deviation of residual_gain over prompts", "×", None),
        MetricInfo("residual_gain_normed", "last block, with the final norm", "×", None),
        MetricInfo("residual_gain_normed_std", "standard deviation of residual_gain_normed over prompts", "×", None),
        MetricInfo("residual_gain_before_last", "the block before the last, as published sweeps have it", "×", None),
        MetricInfo(
            "residual_gain_before_last_std",
            "standard deviation of residual_gain_before_last over prompts",
            "×",
            None,
        ),
        MetricInfo("rho", "attention heads a layer over the size of a head", "", None),
        MetricInfo("dampening", "1 where the last block's gain without the final norm is below 1", "", None),
    ),
    "engine.measure.residual_gain.run:ResidualGain",
    table="engine.measure.residual_gain.table:ResidualGainMeasure",
)
