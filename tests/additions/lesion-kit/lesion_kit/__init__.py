"""One of everything that a package can add to Lesion, but a method."""

from engine.catalog import (
    Additions,
    ArchitectureInfo,
    MeasurementInfo,
    MetricInfo,
    PromptSetInfo,
    ScoreInfo,
)

ADDITIONS = Additions(
    scores=(ScoreInfo("smallness", "-|weight|: the smallest first", "lesion_kit.scores:SMALLNESS", reads_text=False),),
    measurements=(
        MeasurementInfo(
            "certainty",
            "how sure the model is of the word after a prompt",
            (MetricInfo("top_probability", "of the likeliest token, mean over prompts", "share", "higher"),),
            "lesion_kit.certainty:Certainty",
            table="lesion_kit.tables:CertaintyTable",
        ),
    ),
    prompt_sets=(
        PromptSetInfo("openings", "2 openings of sentences", file="lesion_kit:openings.txt"),
        PromptSetInfo("both", "the openings, and those that come with Lesion", parts=("openings", "petri")),
    ),
    architectures=(ArchitectureInfo("renamed", "models whose parts go by other names", "lesion_kit.layout:RENAMED"),),
)
