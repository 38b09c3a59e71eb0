"""The only importers of boto3, jose, httpx and stripe: each file speaks to one outside system, by address."""
