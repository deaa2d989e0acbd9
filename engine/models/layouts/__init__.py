"""One module an architecture: how to recognise it by its modules, and where its weights are."""
