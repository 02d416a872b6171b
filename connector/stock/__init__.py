"""Verbs over stock Odoo, the same on every version; each file owns one part of the books."""
