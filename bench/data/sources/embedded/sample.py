"""Made womens.parquet: `python sample.py <file in the package> womens.parquet`. Kept as a record; nothing runs it."""

import sys

import pandas as pd

if __name__ == "__main__":
    full = pd.read_parquet(sys.argv[1])
    sample = full.sample(10_000, random_state=0).sort_index()
    dictionaries = [name for name in full if name != "Review Text"]
    sample.to_parquet(sys.argv[2], index=False, compression="brotli", compression_level=11, use_dictionary=dictionaries)
