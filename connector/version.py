"""The one place that holds Werkstroom's version."""

VERSION = "0.1.0"
