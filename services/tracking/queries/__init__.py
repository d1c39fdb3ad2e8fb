"""What the status API and the console ask of the tables; they write nothing."""
