module example.org/podcatch

go 1.19
