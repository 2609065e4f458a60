"""Calls of public functions with random arguments: what random_use.py makes and judges."""
