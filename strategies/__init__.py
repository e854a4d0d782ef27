"""Treatments of class imbalance: one file each. `strategies.spec` is the contract, `strategies.registry` finds them."""
