"""NIST's scoring tools: Debian puts them beside the command `sctk`."""

import os
import shutil
from typing import Optional


def nist_command(name: str) -> Optional[str]:
    """Its path; the environment variable of its name in capitals may tell. None where it is not there."""
    places = [shutil.which(name), f"/usr/lib/sctk/bin/{name}", os.environ.get(name.upper())]
    return next((place for place in places if place and os.path.exists(place)), None)
