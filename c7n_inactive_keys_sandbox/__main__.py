# SPDX-License-Identifier: Apache-2.0
"""`python -m c7n_inactive_keys_sandbox`: the same as `c7n-inactive-keys sandbox`."""

from __future__ import annotations

from c7n_inactive_keys_sandbox.command import sandbox

if __name__ == "__main__":
    sandbox(prog_name="c7n-inactive-keys sandbox")
