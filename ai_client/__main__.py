"""`python -m ai_client`, the same as the command `ai-client`."""

import sys

from .cli import main

if __name__ == "__main__":
    sys.exit(main())
