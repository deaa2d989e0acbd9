"""The measurement super_weights: single weights that make an activation spike, and what zeroing each of them does."""

from engine.catalog.infos import MeasurementInfo, MetricInfo

INFO = MeasurementInfo(
    "super_weights",
    "single weights that make an activation spike, and what zeroing each of them does",
    (
        MetricInfo("super_weights", "how many there are", "", None),
        MetricInfo("spike", "the largest layer's spike over the median of all layers", "×", None, log=True),
        MetricInfo("super_nll", "mean loss of the model as it is", "nats/token", "lower"),
        MetricInfo("super_nll_without", "the same without the super weight of the largest spike", "nats/token", None),
        MetricInfo("super_nll_control", "the same without the largest other weight instead", "nats/token", None),
    ),
    "engine.measure.super_weights.run:SuperWeights",
    table="engine.measure.super_weights.table:SuperWeightsMeasure",
    version=2,
)
