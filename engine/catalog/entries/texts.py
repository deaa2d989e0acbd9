"""The bundled prompt sets, tasks, texts and pictures."""

from engine.catalog.infos import PictureInfo, PromptSetInfo, TaskInfo, TextInfo

PROMPT_SETS = (
    PromptSetInfo("short", "8 everyday questions and openings"),
    PromptSetInfo("petri", "8 openings in the language of the petri models"),
    PromptSetInfo("petri-facts", "12 questions about people in the petri models' world, with answers"),
    PromptSetInfo("petri-recall", "12 tunes and bags to be continued, with answers"),
    PromptSetInfo("petri-agreement", "12 subjects that a verb has to follow, with answers"),
    PromptSetInfo("petri-counting", "12 counts to be continued, with answers"),
    PromptSetInfo("petri-sums", "12 sums in words, with answers"),
    PromptSetInfo("dreams", "38 ways to ask for a dream"),
    PromptSetInfo("math", "24 questions of arithmetic and number sequences, with answers"),
    PromptSetInfo("language", "16 questions about words and sentences, with answers"),
    PromptSetInfo("logic", "10 questions of reasoning, with answers"),
    PromptSetInfo("facts", "10 questions of common knowledge, with answers"),
    PromptSetInfo("creativity", "5 open requests for ideas"),
    PromptSetInfo(
        "cognitive",
        "65 questions: math, language, logic, facts, creativity",
        parts=("math", "language", "logic", "facts", "creativity"),
    ),
    PromptSetInfo("picture", "20 ways to ask for the description of a picture"),
    PromptSetInfo("gains4", "4 sentences of the survey of MLP and attention gains"),
    PromptSetInfo("residual25", "25 openings of the survey of residual-stream gains, in five kinds"),
)

TASKS = (
    TaskInfo("petri", "50 questions in the language of the petri models, ten of each of their abilities"),
    TaskInfo("petri-facts", "60 questions on what holds of people in the petri models' world, four choices each"),
    TaskInfo("petri-recall", "60 tunes and bags told some sentences ago: what comes next in them? four choices each"),
    TaskInfo("petri-agreement", "60 subjects with nested clauses behind them, and their verb in both numbers"),
    TaskInfo("petri-counting", "60 counts by a step, and counts of creatures, four choices each"),
    TaskInfo("petri-sums", "60 sums and differences in words that no petri model was trained on, four choices each"),
    TaskInfo("basics", "24 easy questions of common knowledge, four choices each"),
)

TEXTS = (
    TextInfo("petri", "documents in the petri models' own language that none of them was trained on"),
    TextInfo("english", "English prose: instructions, stories, letters, science explained"),
)

PICTURES = (PictureInfo("garden", "a busy garden in cartoon colours: much goes wrong at once, 960 by 640 pixels"),)
