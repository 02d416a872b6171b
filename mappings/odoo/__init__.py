"""Odoo records to objects and back: one file per model, with the fields to ask for."""
