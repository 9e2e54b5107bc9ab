module example.org/batchstat

go 1.19
