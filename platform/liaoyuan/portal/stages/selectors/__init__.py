"""What the stage pages show, ready for their templates. Nothing here writes; ask inside the tenant context."""
