"""What people see: the terminal, and pages of charts that stand alone."""
