"""HTTP and nothing else: read the request, ask the use case, write the answer. Listed in platform_api.app."""
