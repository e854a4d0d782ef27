"""The harness behind `imbench`. All of it is private: from Python, use `import imbench`."""
