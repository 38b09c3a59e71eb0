"""What at least two of the services need. Imports no service and no infra; `domain` and `records` are pure."""

VERSION = "0.1.0"
