"""Cost of an MCP tool call compared with the REST request it stands for."""
