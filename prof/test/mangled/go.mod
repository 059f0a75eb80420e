module mangled

go 1.24
