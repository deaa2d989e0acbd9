"""The measurement certainty: what there is to know of it, without torch."""

from engine.catalog import MeasurementInfo, MetricInfo

INFO = MeasurementInfo(
    "certainty",
    "how sure the model is of the word after a prompt",
    (MetricInfo("top_probability", "of the likeliest token, mean over prompts", "share", "higher"),),
    "lesion_kit.certainty.run:Certainty",
    table="lesion_kit.certainty.table:CertaintyTable",
)
