"""What the processes of all roles share."""
