"""The rules, pure: no input or output, no clock, no randomness, no environment; time and chance are passed in."""
