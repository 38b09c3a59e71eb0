"""What both services' billing has in common: the record of what is paid, its repair from Stripe, the event log."""
