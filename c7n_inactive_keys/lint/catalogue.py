# SPDX-License-Identifier: Apache-2.0
"""The rules by id: how bad what they find is, and what it is."""

from __future__ import annotations

from dataclasses import dataclass

ERROR = "error"  # touches a key that nobody meant, or does nothing although it says so
WARNING = "warning"  # does what it says, in a way that goes wrong sooner or later


@dataclass(frozen=True)
class Rule:
    """What a rule finds."""

    severity: str
    title: str


# Which keys Custodian's own actions take.
_ACTIONS = {
    "matched-missing": Rule(ERROR, "`remove-keys` without `matched`: every key of the user goes"),
    "age-since-creation": Rule(
        ERROR, "The age of a key is taken for the time it has been unused or inactive"
    ),
    "deletes-active-keys": Rule(ERROR, "Keys are deleted that are active"),
    "delete-access-keys": Rule(ERROR, "`delete` with `access-keys`: every key of the user goes"),
    "deletes-instead": Rule(ERROR, "The policy says that it deactivates keys, and deletes them"),
    "same-second": Rule(
        ERROR, "`credential` knows no key ids: another key of the same creation second goes too"
    ),
    "mixed-filters": Rule(
        ERROR, "Custodian refuses `remove-keys` beside both `credential` and `access-key`"
    ),
    "unguarded-deletion": Rule(
        WARNING, "A deletion without cap, second look at the status and live exemption"
    ),
    "deactivates-again": Rule(
        WARNING, "Keys that are inactive are deactivated anew, so they never look old"
    ),
    "not-recorded": Rule(
        WARNING,
        "Keys are deactivated by one policy and deleted by another, and nobody records when",
    ),
    "mark-for-op": Rule(WARNING, "The mark is on the user, so it outlives the key it was about"),
}

# What filters match.
_FILTERS = {
    "never-matches": Rule(ERROR, "A filter that no key can match"),
    "matches-every-key": Rule(WARNING, "A filter on keys that every key matches"),
    "wrong-way-round": Rule(ERROR, "The keys in use match, the unused ones do not"),
    "match-operator": Rule(
        ERROR, "`access-key` filters side by side without `match-operator: and`"
    ),
    "keys-apart": Rule(
        WARNING, "A user matches though one key meets one filter and the other key the other"
    ),
    "source-hides-users": Rule(
        ERROR, "`source: credential-report` leaves out users without an inactive key"
    ),
}

# What is said, where it runs, and what it hears of.
_SURROUNDINGS = {
    "says-undone": Rule(WARNING, "The message tells of something that no action does"),
    "many-regions": Rule(WARNING, "IAM is global: over several regions each key is acted on twice"),
    "event-ids": Rule(ERROR, "Users who change a key of their own are missed"),
    "lambda-without-plugin": Rule(ERROR, "The Lambda archive would not have the plugin"),
}

# The plugin's own options.
_OURS = {
    "days-missing": Rule(ERROR, "A deletion that does not say for how long a key was inactive"),
    "max-keys-missing": Rule(WARNING, "A deletion without a cap on the number of keys"),
    "possible-without-plan": Rule(
        ERROR, "`certainty: possible` deletes on a guess that nobody approved"
    ),
    "evidence-too-short": Rule(ERROR, "The evidence that is asked for cannot prove so many days"),
    "notified-before-notify": Rule(ERROR, "Keys are recorded as notified before anybody was told"),
    "no-key-filter": Rule(ERROR, "An action without the filter that selects its keys"),
    "exemption-not-live": Rule(
        WARNING, "An exempting tag is read when users are listed, not just before the action"
    ),
    "exempt-tag": Rule(ERROR, "`exempt-tag` wants the bare key of the tag"),
    "journal-missing": Rule(ERROR, "`reactivate-keys` undoes what a journal says"),
    "unknown-option": Rule(ERROR, "An option that the plugin does not know"),
}

# The file.
_FILE = {
    "duplicate-key": Rule(ERROR, "A key stands twice: all but the last are ignored in silence"),
    "unknown-key": Rule(ERROR, "A policy has a key that Custodian does not know"),
    "unreadable": Rule(ERROR, "A file that cannot be read, so nothing is known of its policies"),
    "bad-ignore": Rule(WARNING, "A comment that should silence a rule, and does not"),
}

RULES = {**_ACTIONS, **_FILTERS, **_SURROUNDINGS, **_OURS, **_FILE}
