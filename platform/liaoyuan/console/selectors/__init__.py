"""What the console's pages show, read across tenants under the system role: states and counts, never texts."""
