module example.org/envload

go 1.19
