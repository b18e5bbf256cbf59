"""What must hold whatever dies: processes are killed, and a checker compares truth with projections."""
