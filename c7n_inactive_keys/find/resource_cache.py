# SPDX-License-Identifier: Apache-2.0
"""Custodian's cache of users: what must not get into it."""

from __future__ import annotations

import copy

from c7n.cache import InMemoryCache

from c7n_inactive_keys.core.json_types import JsonObject
from c7n_inactive_keys.custodian.c7n_types import Manager
from c7n_inactive_keys.find.matched_keys import ALL_KEYS, ANNOTATIONS, BY_FILTER, MATCHED_KEYS

OURS = (ALL_KEYS, MATCHED_KEYS, BY_FILTER, *ANNOTATIONS)


def detach_from_cache(manager: Manager, resources: list[JsonObject]) -> None:
    """Keep annotations out of Custodian's in-memory cache, which hands out the same objects again.

    The cache gets copies of its own, free of what key-level filters have written so far.
    """
    cache = getattr(manager, "_cache", None)  # Custodian's filters use it under this name
    if not isinstance(cache, InMemoryCache):
        return
    cache_key = manager.get_cache_key(manager.source.get_query_params(None))
    with cache:
        cached = cache.get(cache_key)
        ours = {id(resource) for resource in resources}
        if not cached or not any(id(resource) in ours for resource in cached):
            return
        cache.save(
            cache_key,
            [
                copy.deepcopy({name: value for name, value in resource.items() if name not in OURS})
                for resource in cached
            ],
        )
