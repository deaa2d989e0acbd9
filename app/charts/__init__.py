"""Charts of a run, a module a kind; app/charts/kinds.py lists them. The terminal and the console draw all of them."""
