"""The measurements: what each observes, and the metrics it yields."""

from engine.catalog.infos import MeasurementInfo, MetricInfo

MEASUREMENTS = (
    MeasurementInfo(
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
        "engine.measure.perplexity:Perplexity",
        version=2,
    ),
    MeasurementInfo(
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
        "engine.measure.generation:Generation",
        headlines=("distinct_2", "answered"),
        version=2,
    ),
    MeasurementInfo(
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
        "engine.measure.gains:Gains",
        headlines=("mlp_gain_last", "attention_gain_last"),
    ),
    MeasurementInfo(
        "residual_gain",
        "by how much a block amplifies the residual stream at the last token",
        (
            MetricInfo("residual_gain", "last block, output over input, without the final norm", "×", None),
            MetricInfo("residual_gain_std", "standard deviation of residual_gain over prompts", "×", None),
            MetricInfo("residual_gain_normed", "last block, with the final norm", "×", None),
            MetricInfo(
                "residual_gain_normed_std", "standard deviation of residual_gain_normed over prompts", "×", None
            ),
            MetricInfo(
                "residual_gain_before_last", "the block before the last, as published sweeps have it", "×", None
            ),
            MetricInfo(
                "residual_gain_before_last_std",
                "standard deviation of residual_gain_before_last over prompts",
                "×",
                None,
            ),
            MetricInfo("rho", "attention heads a layer over the size of a head", "", None),
            MetricInfo("dampening", "1 where the last block's gain without the final norm is below 1", "", None),
        ),
        "engine.measure.residual_gain:ResidualGain",
    ),
    MeasurementInfo(
        "spectrum",
        "how many dimensions the outputs of a layer use",
        (
            MetricInfo("effective_rank", "exp of the entropy of the normalised singular values", "dimensions", None),
            MetricInfo("effective_rank_cut", "published variant: values below 1 % of the sum dropped", "", None),
            MetricInfo("participation_ratio", "(Σ s²)² / Σ s⁴ of the singular values s", "dimensions", None),
            MetricInfo("spectral_gap", "first singular value minus the second", "", None, log=True),
        ),
        "engine.measure.spectrum:Spectrum",
    ),
    MeasurementInfo(
        "tasks",
        "which of several answers to a question the model finds likeliest",
        (
            MetricInfo("accuracy", "share of questions whose right answer is the likeliest", "share", "higher"),
            MetricInfo("accuracy_normalised", "the same by log-likelihood per character", "share", "higher"),
        ),
        "engine.measure.tasks:Tasks",
        version=2,
    ),
    MeasurementInfo(
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
        "engine.measure.harness:Harness",
        version=2,
    ),
    MeasurementInfo(
        "ranking",
        "which weights matter most by a score, and how far scores, texts and seeds agree",
        (
            MetricInfo("largest_score", "the largest score of a weight", "", None, log=True),
            MetricInfo("top_share", "share of the sum of all scores that the k best weights have", "share", None),
            MetricInfo("jaccard_samples", "overlap of the k best between samples of the text", "share", "higher"),
            MetricInfo("jaccard_seeds", "overlap of the k best between seeds of the score", "share", "higher"),
            MetricInfo("jaccard_scores", "overlap of the k best with those by the other scores", "share", None),
        ),
        "engine.measure.ranking:RankingStudy",
        version=2,
    ),
    MeasurementInfo(
        "super_weights",
        "single weights that make an activation spike, and what zeroing each of them does",
        (
            MetricInfo("super_weights", "how many there are", "", None),
            MetricInfo("spike", "the largest layer's spike over the median of all layers", "×", None, log=True),
            MetricInfo("super_nll", "mean loss of the model as it is", "nats/token", "lower"),
            MetricInfo(
                "super_nll_without", "the same without the super weight of the largest spike", "nats/token", None
            ),
            MetricInfo("super_nll_control", "the same without the largest other weight instead", "nats/token", None),
        ),
        "engine.measure.super_weights:SuperWeights",
        version=2,
    ),
)
