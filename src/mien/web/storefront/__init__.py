"""The storefront of the demo: a shop to try profiles in, and a reference for integrators."""
