"""Heads: what a user is likely to do, read off their vector and their named aggregates, calibrated and with reasons."""
