"""Lets `make lab` be used from a codespace, which shows the port that it prints at an address of its own.

A codespace forwards a port privately unless told otherwise. Every other address is refused as before, and the token is
asked for as before.
"""

import os
import re

if "CODESPACE_NAME" in os.environ:
    name, domain = os.environ["CODESPACE_NAME"], os.environ["GITHUB_CODESPACES_PORT_FORWARDING_DOMAIN"]
    own = rf"https://{re.escape(name)}-\d+\.{re.escape(domain)}$"
    c.ServerApp.allow_origin_pat = own  # noqa: F821 (c is Jupyter's)
