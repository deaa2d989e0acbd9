"""The Live screen: one run as it goes."""
