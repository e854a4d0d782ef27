"""Hydra's configuration groups, shipped as package data; `bench.conf` maps to this folder."""
