"""What people see: progress bars and tables."""
