"""`python -m imbench` is the shell command `imbench`."""

import runpy

if __name__ == "__main__":
    runpy.run_module("bench", run_name="__main__")
