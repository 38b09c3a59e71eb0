"""Key shapes and conditions of platform_api's tables, one method per access pattern. Called by use cases and deps."""
