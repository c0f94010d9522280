"""The support bundle: one zip file that tells how this installation is, and nothing that belongs to a tenant."""
