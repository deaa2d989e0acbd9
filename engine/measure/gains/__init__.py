"""The measurement gains: by how much attention and MLP amplify what they receive, layer by layer."""

from engine.catalog.infos import MeasurementInfo, MetricInfo

INFO = MeasurementInfo(
    "gains",
    "by how much attention and MLP amplify what they receive, layer by layer",
    (
        MetricInfo("attention_gain_last", "length of attention's output over its input, last layer", "×", None),
        MetricInfo("mlp_gain_last", "length of the MLP's output over its input, last layer", "×", None, log=True),
        MetricInfo("mlp_gain_largest", "the largest of all layers' MLP gains", "×", None, log=True),
        MetricInfo("mlp_gain_largest_layer", "the layer with the largest MLP gain, counting from 0", "", None),
        MetricInfo("attention_contracting", "share of layers whose attention gain is below 1", "share", None),
        MetricInfo("mlp_contracting", "share of layers whose MLP gain is below 1", "share", None),
    ),
    "engine.measure.gains.run:Gains",
    table="engine.measure.gains.table:GainsMeasure",
    headlines=("mlp_gain_last", "attention_gain_last"),
)
