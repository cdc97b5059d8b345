"""Clients of the Runtime API: what turns an interpreter into a Lambda runtime. They run in the jail, beside the
function, and import nothing of this project."""
