"""The measurement lm_eval: tasks of lm-evaluation-harness, an extra, whose metrics are called by task: arc_easy_acc."""

from engine.catalog.infos import MeasurementInfo, MetricInfo

INFO = MeasurementInfo(
    "lm_eval",
    "tasks of lm-evaluation-harness, an extra, whose metrics are called by task: arc_easy_acc",
    (
        MetricInfo("*_acc", "share of questions whose right answer is the likeliest", "share", "higher"),
        MetricInfo("*_acc_norm", "the same by log-likelihood per byte", "share", "higher"),
        MetricInfo("*_exact_match", "share of answers that are right to the letter", "share", "higher"),
        MetricInfo("*_f1", "harmonic mean of precision and recall", "share", "higher"),
        MetricInfo("*_bits_per_byte", "log-likelihood of a text, in bits a byte", "bits/byte", "lower"),
        MetricInfo("*_word_perplexity", "exp of the mean loss a word", "", "lower", log=True),
        MetricInfo("*_byte_perplexity", "exp of the mean loss a byte", "", "lower", log=True),
    ),
    "engine.measure.lm_eval.run:Harness",
    table="engine.measure.lm_eval.table:HarnessMeasure",
    version=2,
)
