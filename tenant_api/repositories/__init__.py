"""Key shapes and conditions of tenant_api's tables; one method an access pattern."""
