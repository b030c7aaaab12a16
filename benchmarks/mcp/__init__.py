"""What a tool call costs beside the request to the REST API that it stands for."""
