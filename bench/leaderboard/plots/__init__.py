"""Figures of the page: one file each, data first and drawing second; found by the registry beside them."""
