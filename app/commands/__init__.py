"""The commands of `lesion`, sorted by what they do: execute runs, browse what was run, inspect what could be run."""
