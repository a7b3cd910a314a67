# SPDX-License-Identifier: Apache-2.0
"""`c7n-inactive-keys check`: would a run see the plugin, and may it do what it needs?"""
