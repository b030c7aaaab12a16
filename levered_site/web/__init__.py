"""The web server: uvicorn processes, a hardened HTTP protocol, a bridge to WSGI."""
