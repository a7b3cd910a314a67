# SPDX-License-Identifier: Apache-2.0
"""Where a partition keeps its IAM."""

from __future__ import annotations

import pytest

from c7n_inactive_keys.partitions import home_region, partition_of


@pytest.mark.parametrize(
    ("partition", "region"),
    [
        ("aws", "us-east-1"),
        ("aws-cn", "cn-north-1"),
        ("aws-us-gov", "us-gov-west-1"),
        ("aws-iso", "us-iso-east-1"),
        ("aws-iso-b", "us-isob-east-1"),
        ("aws-nowhere", None),
    ],
)
def test_home_region_is_that_of_the_partition(partition, region, monkeypatch):
    """Neither the region in use nor a custom endpoint changes it; unknown is None."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://localhost:1")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    assert home_region(partition) == region


@pytest.mark.parametrize(
    ("region", "partition"),
    [
        ("us-east-1", "aws"),
        ("eu-south-9", "aws"),
        ("cn-northwest-1", "aws-cn"),
        ("us-gov-east-1", "aws-us-gov"),
        ("moon-1", None),
    ],
)
def test_a_region_belongs_to_a_partition(region, partition):
    """Also one that is newer than botocore, by the pattern of its name."""
    assert partition_of(region) == partition
