"""Key shapes and conditions: platform-tokens read only, tenant-tokens read and written. Use cases and deps call it."""
