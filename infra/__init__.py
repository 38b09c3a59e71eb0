"""What the product runs on: tables, rights, deployment, the sandbox. Production code never imports this package."""
