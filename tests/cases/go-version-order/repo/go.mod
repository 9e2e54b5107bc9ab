module example.org/updatebot

go 1.19
