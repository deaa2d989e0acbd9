"""The measurement generation: what the model writes after each of a set of prompts."""

from engine.catalog.infos import MeasurementInfo, MetricInfo

INFO = MeasurementInfo(
    "generation",
    "what the model writes after each of a set of prompts",
    (
        MetricInfo("generated_tokens", "mean length of a text", "tokens", None),
        MetricInfo("stopped_eos", "share of texts that the model ended by itself", "share", None),
        MetricInfo("seconds_per_text", "time to write one text", "s", "lower"),
        MetricInfo("distinct_1", "different words among a text's words, mean over texts", "share", None),
        MetricInfo("distinct_2", "different pairs among a text's word pairs, mean over texts", "share", None),
        MetricInfo("repetition", "runs of four words that a text said before, mean over texts", "share", "lower"),
        MetricInfo("exact_match", "first lines that are the prompt's answer and nothing else", "share", "higher"),
        MetricInfo("answered", "texts that hold the prompt's answer", "share", "higher"),
    ),
    "engine.measure.generation.run:Generation",
    table="engine.measure.generation.table:GenerationMeasure",
    headlines=("distinct_2", "answered"),
    version=2,
)
