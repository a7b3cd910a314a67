# SPDX-License-Identifier: Apache-2.0
"""botocore's service models, read once for all sessions of a process: half of a run's start."""

from __future__ import annotations

from functools import cache


def share_service_models(*services: str) -> None:
    """Let all sessions share what one has read; the models of these services are read now."""
    import boto3
    import botocore.hooks
    import botocore.loaders
    import botocore.session

    loader = botocore.loaders.create_loader()
    botocore.session.create_loader = lambda _path: loader
    botocore.hooks.accepts_kwargs = cache(botocore.hooks.accepts_kwargs)
    session = boto3.Session("AKIA", "secret", region_name="us-east-1")
    for service in services:
        made = session.client(service)
        # Which operation does not matter: the paginators of all are read.
        made.can_paginate(next(iter(made.meta.method_to_api_mapping)))
        session.get_available_regions(service)
