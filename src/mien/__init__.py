"""Mien: what people do becomes profiles that can be questioned, and better search and recommendation."""
