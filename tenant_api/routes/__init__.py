"""HTTP and nothing else: what comes in, which use case, what goes out."""
