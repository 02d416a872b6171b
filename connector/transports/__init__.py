"""Ways to reach an Odoo server; a request is sent exactly once."""
