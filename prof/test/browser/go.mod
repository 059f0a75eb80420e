module browser

go 1.24
