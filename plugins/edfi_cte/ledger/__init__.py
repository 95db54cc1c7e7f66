"""What was sent, what is to send, and why: the tables that the steps share."""
