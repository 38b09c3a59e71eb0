"""HTTP and nothing else: each handler reads the request, calls one use case and shapes the answer."""
