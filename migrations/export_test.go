package migrations

// Relations are the names that Up refuses to find.
var Relations = relations
