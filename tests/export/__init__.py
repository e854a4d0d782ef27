"""Tests of bench/export."""
