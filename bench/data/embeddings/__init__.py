"""Texts as vectors of a pretrained encoder, which is never trained here: whose they are, how they are made and kept."""
