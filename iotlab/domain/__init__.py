"""What the lab talks about: readings, devices, alarms, and the names of the tables that keep them."""
