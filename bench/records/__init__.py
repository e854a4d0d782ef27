"""What cells leave behind: one file each, found by its key, written whole or not at all."""
