"""Tables as they lie in files: text in any encoding, Parquet, folders of Parquet."""
