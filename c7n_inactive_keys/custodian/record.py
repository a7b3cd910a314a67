# SPDX-License-Identifier: Apache-2.0
from c7n.actions import EventAction
from c7n.utils import type_schema


class RecordInactiveKeys(EventAction):
    schema = type_schema("record-inactive-keys")

    def process(self, resources, event=None):
        raise NotImplementedError
