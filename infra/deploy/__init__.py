"""dream-api in an AWS account: two CloudFormation stacks, rendered here, and the commands that bring them there.

`python -m infra.deploy` is what `make deploy`, `diff`, `destroy` and `secrets` call. README.md is the operator's walk.
"""
