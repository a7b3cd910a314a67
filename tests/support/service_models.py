# SPDX-License-Identifier: Apache-2.0
"""botocore's service models, read once for all sessions of a process: half of a run's start."""

from __future__ import annotations


def share_service_models(*services: str) -> None:
    """Let all sessions share what one has read; the models of these services are read now."""
    import boto3
    import botocore.loaders
    import botocore.session

    loader = botocore.loaders.create_loader()
    botocore.session.create_loader = lambda _path: loader
    session = boto3.Session("AKIA", "secret", region_name="us-east-1")
    for service in services:
        session.client(service)
        session.get_available_regions(service)
