"""The longer tables of engine.catalog, which alone reads them."""
