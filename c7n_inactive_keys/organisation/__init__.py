# SPDX-License-Identifier: Apache-2.0
"""What the tasks of deploy/organisation.yml's state machine do; stock c7n-org does the visits."""
