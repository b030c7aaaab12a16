"""The service under traffic while its processes are killed, then checked row by row."""
