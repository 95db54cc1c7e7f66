"""``python -m edfi_cte.cli``, where the package lies in the plugins folder and no command was installed."""

import sys

from edfi_cte.cli import main

sys.exit(main())
