"""Which strategy the records speak for, given what a system needs and may spend."""
