"""What tests of every service lean on: real servers, processes with faults, waiting."""
