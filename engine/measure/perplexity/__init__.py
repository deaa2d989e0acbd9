"""The measurement perplexity: how well the model predicts a text, token by token."""

from engine.catalog.infos import MeasurementInfo, MetricInfo

INFO = MeasurementInfo(
    "perplexity",
    "how well the model predicts a text, token by token",
    (
        MetricInfo("perplexity", "exp of the mean loss; 1 is certainty", "", "lower", log=True),
        MetricInfo("nll", "mean negative log-likelihood", "nats/token", "lower"),
        MetricInfo("token_accuracy", "share of tokens that were the model's first choice", "share", "higher"),
        MetricInfo(
            "kl", "divergence of the predictions from the baseline's", "nats/token", "lower", from_baseline=True
        ),
    ),
    "engine.measure.perplexity.run:Perplexity",
    table="engine.measure.perplexity.table:PerplexityMeasure",
    version=2,
)
