"""The command line: verbs, composition by Hydra, and the plug-ins through which Hydra reaches the engine."""
