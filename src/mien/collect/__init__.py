"""Strangers' data in: any source becomes events, items and users, with a verdict for each unusable row."""
