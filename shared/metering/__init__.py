"""The exact counter that both services use: one conditional write decides and counts, and concurrent calls share it."""
