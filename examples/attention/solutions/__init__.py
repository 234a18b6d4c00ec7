"""The reference: what the lessons, notebooks and stubs are made of."""
