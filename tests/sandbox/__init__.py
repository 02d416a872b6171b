"""A real, stock Odoo 14 in a private root: what every live test and the demo run on.

`python -m tests.sandbox up` starts it, `from tests.sandbox import server` is the way in for Python:

    sandbox = server.up()
    database = sandbox.create_database()
    sandbox.mails(database)

Files, from the ground up: `errors`, `layout` (names and places), `host` (commands, steps, lock), `provision` (the root
and its packages), `processes` (PostgreSQL, Odoo, SMTP sink), `databases` (template and copies), `server` (all of it).
"""
