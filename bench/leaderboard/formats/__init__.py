"""Boards as files and on a terminal: one module a format."""
