"""What a user gives (path, name, id, open file, object) to the content of one structure."""
