"""Pure shapes: domain objects, file formats and Odoo records, without Odoo, network or clock."""
