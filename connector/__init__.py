"""The only place that talks to Odoo: transports, sessions, records, effects, and verbs over stock Odoo."""
