# SPDX-License-Identifier: Apache-2.0
"""Where the checkout is, and the commands of the environment that runs the tests."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
